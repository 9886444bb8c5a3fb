#!/usr/bin/env node
// bench/module.mjs [--workloads a,b] [--reps 3]: our aos against aos2_0_6, both in this engine, with all code improved. The sides
// take turns; the figure is the median of the repetitions, in ms per message, and in brackets the processor time. Then the memory
// of a process that has taken its first message.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { agree, median, option, turns, workloadFile } from './workloads.mjs'

const sides = ['aos2_0_6', 'aos']
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'weft-bench-'))
const file = side => path.join(work, side + '.json')

try {
  for (const side of sides) fs.writeFileSync(file(side), JSON.stringify(workloadFile(side, 1)))
  const images = {}
  for (const name of option('workloads', 'eval,unhandled,ping,token10k,chain,jsonEncode,jsonDecode,fib27,string,pcall').split(',')) {
    const rows = Object.fromEntries(sides.map(side => [side, []]))
    for (let rep = 0; rep < Number(option('reps', 3)); rep++) {
      for (const side of sides) rows[side].push(turns(file(side), 'T1', name, path.join(work, 'cache')))
    }
    agree(name, sides.flatMap(side => rows[side]))
    const of = (side, key) => median(rows[side].map(r => r[key]))
    if (name === 'eval') for (const side of sides) images[side] = rows[side][0].image
    const cells = sides.map(side => `${side} ${of(side, 'ms').toFixed(3)} (${of(side, 'cpu').toFixed(3)})`)
    console.log(`${name.padEnd(11)} ${cells.join('   ')}   ${(of('aos2_0_6', 'ms') / of('aos', 'ms')).toFixed(2)}x`)
  }
  if (images.aos) console.log(`memory      ${sides.map(side => `${side} ${(images[side] / 1e6).toFixed(1)} MB`).join('   ')}   1/${(images.aos2_0_6 / images.aos).toFixed(0)}`)
} finally { fs.rmSync(work, { recursive: true }) }
