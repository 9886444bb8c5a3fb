#!/usr/bin/env node
// bench/engine.mjs [--modes inplace,copy,T1] [--workloads a,b] [--reps 3] [--hot 100] [--module aos2_0_6] [--scale 1]
// One turn of an aos process: weft's engine (bench/engine.c, every check on, each message committed) against
// @permaweb/ao-loader on this node. Each measurement is a process of its own; the sides take turns, and the figure is
// the median of the repetitions' medians, in ms per message; in brackets the best message, and after it the processor time
// that a message took, which is what to compare while the machine is busy with other things (--by cpu).
//   inplace  the loader's fastest mode: the instance keeps its memory
//   copy     the loader's contract, as the reference compute unit uses it: the memory goes in and out of every call
//   T0, T1   weft: code of the first tier only, or after all code has been improved
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createRequire } from 'node:module'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { agree, build, median, option, packages, tools, turns, workloadFile, workloads } from './workloads.mjs'

const self = fileURLToPath(import.meta.url)
const counted = ['fib27', 'loop1e6', 'string', 'pcall', 'json', 'token10k']

// The peer, in a process of its own.
async function peer (file, mode, name) {
  const spec = JSON.parse(fs.readFileSync(file, 'utf8'))
  const w = spec.workloads.find(x => x.name === name)
  const AoLoader = createRequire(path.join(packages, 'x.js'))('@permaweb/ao-loader')
  const inplace = mode === 'inplace'
  const handle = await AoLoader(fs.readFileSync(spec.module), {
    format: spec.format, inputEncoding: 'JSON-1', outputEncoding: 'JSON-1', memoryLimit: '17179869184', computeLimit: 9e12, extensions: [], UNSAFE_MEMORY: inplace
  })
  const env = JSON.parse(spec.env)
  let memory = null, last
  const take = async text => {
    const m = JSON.parse(text)
    const start = process.hrtime.bigint()
    const result = await handle(memory, m, env)
    const ms = Number(process.hrtime.bigint() - start) / 1e6
    if (result.Error) throw new Error(result.Error)
    if (!inplace) memory = result.Memory
    last = { Output: result.Output, Messages: result.Messages }
    return ms
  }
  const first = await take(spec.first)
  for (const m of w.setup) await take(m)
  // Whole rounds of the messages, so that the last is the same on all sides.
  const rounds = (n, most) => Math.ceil(Math.min(n, most) / w.messages.length) * w.messages.length
  const warm = inplace ? w.warm : rounds(w.warm, 5), n = inplace ? w.count : rounds(w.count, 15)
  const times = []
  let cpu
  for (let i = 0; i < warm + n; i++) {
    if (i === warm) cpu = process.cpuUsage()
    const ms = await take(w.messages[i % w.messages.length])
    if (i >= warm) times.push(ms)
  }
  cpu = process.cpuUsage(cpu)
  if (n >= 200) times.splice(0, n, ...Array.from({ length: Math.floor(n / 20) }, (_, k) => times.slice(20 * k, 20 * k + 20).reduce((a, b) => a + b) / 20))
  times.sort((a, b) => a - b)
  fs.writeSync(1, JSON.stringify({ name, first, ms: times[times.length >> 1], min: times[0], cpu: (cpu.user + cpu.system) / 1000 / n, last }) + '\n')
}

// The first result of a module, a resume, and the memory of many processes; bench/hot.c says what each figure is.
function hot (file, cache, processes) {
  const run = spawnSync(path.join(build, 'bench/hot'), [file, cache, processes], { encoding: 'utf8', env: tools, timeout: 300000 })
  if (run.status !== 0) throw new Error(`hot: ${run.stderr || run.signal}`)
  return run.stdout.trim()
}

function measure (file, mode, name, cache) {
  if (mode[0] === 'T') return turns(file, mode, name, cache)
  const run = spawnSync(process.execPath, ['--experimental-wasm-memory64', self, '--peer', file, mode, name], { encoding: 'utf8', timeout: 300000 })
  if (run.status !== 0) throw new Error(`${mode} ${name}: ${run.stderr || run.signal}`)
  return JSON.parse(run.stdout.trim().split('\n').pop())
}


function compare () {
  const modes = option('modes', 'inplace,T1').split(',')
  const names = option('workloads', Object.keys(workloads).join(',')).split(',')
  const reps = Number(option('reps', 3))
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'weft-bench-'))
  const file = path.join(work, 'workloads.json')
  fs.writeFileSync(file, JSON.stringify(workloadFile(option('module', 'aos2_0_6'), Number(option('scale', 1)))))
  const results = {}, by = option('by', 'ms')
  try {
    for (const name of names) {
      const rows = Object.fromEntries(modes.map(mode => [mode, []]))
      for (let rep = 0; rep < reps; rep++) for (const mode of modes) rows[mode].push(measure(file, mode, name, path.join(work, 'cache-' + mode)))
      agree(name, modes.flatMap(mode => rows[mode]))
      results[name] = Object.fromEntries(modes.map(mode => [mode, median(rows[mode].map(r => r[by]))]))
      const cells = modes.map(mode => `${mode} ${median(rows[mode].map(r => r.ms)).toFixed(3)} (${Math.min(...rows[mode].map(r => r.min)).toFixed(3)}) ${median(rows[mode].map(r => r.cpu)).toFixed(3)}`)
      const last = modes[modes.length - 1]
      const ratios = modes.slice(0, -1).map(mode => `${mode}/${last} ${(results[name][mode] / results[name][last]).toFixed(2)}`)
      console.log(`${name.padEnd(11)} ${cells.join('   ')}   ${ratios.join('  ')}`)
    }
    const processes = option('hot', '100')
    if (processes !== '0') {
      console.log(`${processes} processes, nothing cached: ${hot(file, path.join(work, 'cache-hot'), processes)}`)
      console.log(`${processes} processes, code cached:    ${hot(file, path.join(work, 'cache-hot'), processes)}`)
    }
  } finally { fs.rmSync(work, { recursive: true }) }
  const [peerMode, ours] = [modes[0], modes[modes.length - 1]]
  const ratio = name => name === 'json' ? Math.sqrt(ratio('jsonEncode') * ratio('jsonDecode')) : results[name] ? results[name][peerMode] / results[name][ours] : NaN
  if (modes.length > 1 && names.includes('jsonEncode') && names.includes('jsonDecode') && counted.every(n => n === 'json' || results[n])) {
    console.log(`geometric mean of ${counted.join(', ')}: ${Math.pow(counted.reduce((p, n) => p * ratio(n), 1), 1 / counted.length).toFixed(2)}x`)
  }
}

const at = process.argv.indexOf('--peer')
if (at > 0) await peer(...process.argv.slice(at + 1))
else compare()
