// Our module in the published loader, unchanged: the same messages give the same answers as in our engine, and a memory taken
// after one message carries the next in a new instance.
import { createRequire } from 'node:module'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { Session, Tally, blueprint, boot, env, evaluate, ids, message, ours, root, skip } from './session.mjs'

const require = createRequire(path.join(root, 'test/package.json'))
if (!existsSync(path.join(root, 'test/node_modules/@permaweb/ao-loader'))) skip('npm install in test/ brings @permaweb/ao-loader')
const AoLoader = require('@permaweb/ao-loader')
const wasm = readFileSync(ours)
const open = () => AoLoader(wasm, { format: 'wasm32-unknown-emscripten4' })

const sort = v => Array.isArray(v) ? v.map(sort) : v && typeof v === 'object' ? Object.fromEntries(Object.keys(v).sort().map(k => [k, sort(v[k])])) : v
const session = new Session(ours)
const tally = new Tally()
const messages = [
  boot(),
  evaluate('return 1 + 1'),
  evaluate("return pcall(error, 'caught') or 'x'"),
  evaluate(blueprint('token')),
  message({ Action: 'Transfer', Recipient: 'bob', Quantity: '5', 'X-Note': 'ünï' }, { From: ids.process, Owner: ids.authority }),
  message({ Action: 'Balance', Recipient: 'bob' }),
  evaluate("local t = {} for i = 1, 20000 do t[i] = { i, tostring(i) } end Kept = t return #t"),
  message({ Action: 'Large' }, { Data: 'x'.repeat(3 << 20) }),
  evaluate("Handlers.add('ask', 'Ask', function (m) print(Send({ Target = 'o' }).receive().Data) end)"),
  message({ Action: 'Ask' }),
  message({ 'X-Reference': '4' }, { From: 'o', Data: 'answer' }),
  evaluate('return #Kept .. math.random(1000) .. os.time()'),
  evaluate("return io.open('/data/nothing')")
]
let handle = await open()
let memory = null
for (const [i, msg] of messages.entries()) {
  const { Memory, GasUsed, Patches, ...theirs } = await handle(memory, structuredClone(msg), structuredClone(env))
  for (const key of Object.keys(theirs)) if (theirs[key] === undefined) delete theirs[key]
  const mine = (await session.step(msg, env)).response
  const [a, b] = [JSON.stringify(sort(theirs)), JSON.stringify(sort(mine))]
  tally.check(`message ${i}`, a === b, `loader ${a}\n   engine ${b}`)
  memory = Memory
  if (i % 3 === 2) handle = await open()
}
session.close()
tally.end()
