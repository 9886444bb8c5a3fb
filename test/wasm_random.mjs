// wasm_random.mjs DIR: repeats in V8 what wasm-random left in DIR, module by module, and compares the transcripts. Modules
// that this V8 does not take (a feature behind a flag that it does not have) are counted.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'

const dir = process.argv[2]
const view = new DataView(new ArrayBuffer(8))
let passed = 0, failed = 0, refused = 0

function read(text) {
  const [type, value] = [text[0], text.slice(2)]
  if (type === 'i') return Number(value)
  if (type === 'l') return BigInt(value)
  if (value === 'nan') return NaN
  if (type === 'f') { view.setUint32(0, Number(value)); return view.getFloat32(0) }
  view.setBigUint64(0, BigInt(value)); return view.getFloat64(0)
}

function write(type, v) {
  if (type === 'i' || type === 'l') return `${type}:${v}`
  if (Number.isNaN(v)) return `${type}:nan`
  if (type === 'f') { view.setFloat32(0, v); return `f:${view.getUint32(0)}` }
  view.setFloat64(0, v); return `d:${view.getBigUint64(0)}`
}

function state(x) {
  const globals = [['i', 'step'], ['i', 'gi'], ['l', 'gl'], ['f', 'gf'], ['d', 'gd']]
  const bytes = new Uint8Array(x.memory.buffer)
  return ['state', ...globals.map(([t, n]) => write(t, x[n].value)), `pages:${bytes.length / 65536}`,
    createHash('sha256').update(bytes).digest('hex')].join(' ')
}

function cause(e) {
  if (e instanceof WebAssembly.Exception) return 'an exception was thrown and not caught'
  return e.message
}

for (const file of readdirSync(dir).filter(f => f.endsWith('.txt')).sort()) {
  const seed = file.slice(0, -4)
  let x
  try {
    x = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(`${dir}/${seed}.wasm`))).exports
  } catch (e) {
    refused++
    if (process.env.VERBOSE) console.log(`seed ${seed}: V8: ${e.message}`)
    continue
  }
  const want = readFileSync(`${dir}/${file}`, 'utf8').trimEnd().split('\n')
  const got = []
  for (let k = 0; k < want.length; k += 3) {
    const [, name, ...args] = want[k].split(' ')
    got.push(want[k])
    x.fuel.value = 400n
    try {
      const r = x[name](...args.map(read))
      const types = want[k + 1].split(' ').slice(2).map(t => t[0])
      const list = r === undefined ? [] : Array.isArray(r) ? r : [r]
      got.push(['gives ', ...list.map((v, n) => write(types[n] ?? '?', v))].join(' '))
    } catch (e) { got.push(`trap ${cause(e)}`) }
    got.push(state(x))
  }
  const at = want.findIndex((line, n) => line !== got[n])
  if (at < 0) { passed++; continue }
  failed++
  console.log(`seed ${seed}: V8 differs\n  ${want[at - at % 3]}\n  ours ${want[at]}\n  V8   ${got[at]}`)
}
console.log(`${refused} modules that this V8 does not take`)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed ? 1 : 0
