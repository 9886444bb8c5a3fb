// What processes send reaches where it is sent, by the MU alone: ping-pong, spawning, a token.
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { Network, aos64, aos32 } from './network.mjs'

let net, module

before(async () => {
  net = await Network.start()
  module = await net.publish(aos64)
}, { timeout: 120000 })

after(() => net?.clean())

const value = async (process, code) => (await net.eval(process, `return ${code}`)).Output.data

test('two processes play ping-pong a hundred times', async () => {
  const [a, b] = await Promise.all([net.spawn(module), net.spawn(module)])
  const play = (limit) => `
    Hits = 0
    Handlers.add("Ball", "Ball", function (msg)
      Hits = Hits + 1
      Last = tonumber(msg.Count)
      if Last < ${limit} then Send({ Target = msg.From, Action = "Ball", Count = tostring(Last + 1) }) end
    end)`
  await Promise.all([net.eval(a, play(200)), net.eval(b, play(200))])
  await net.eval(a, `Send({ Target = "${b}", Action = "Ball", Count = "1" })`)
  await net.until(() => value(b, 'Hits'), (hits) => hits === '100', 120000)
  await net.until(() => value(a, 'Hits'), (hits) => hits === '100', 30000)
  assert.equal(await value(a, 'Last'), '200')
  assert.equal(await value(b, 'Last'), '199')
})

test('a process spawns another and talks to it', async () => {
  const parent = await net.spawn(module)
  await net.eval(parent, `
    Handlers.add("Spawned", "Spawned", function (msg)
      Child = msg.Process
      Send({ Target = Child, Action = "Eval", Data = "Greeting = 'hello from ' .. ao.id; ao.send({ Target = Owner, Action = 'Told', Data = Greeting })" })
    end)
    Handlers.add("Told", "Told", function (msg) Told = msg.Data; ToldBy = msg.From end)
    Spawn("${module}", { Tags = { Authority = "${net.address}", Name = "child" } })`)
  const child = await net.until(() => value(parent, 'tostring(Child)'), (id) => id.length === 43)
  await net.until(() => value(parent, 'tostring(Told)'), (told) => told === `hello from ${child}`)
  assert.equal(await value(parent, 'ToldBy'), child)
  const info = await (await fetch(`${net.su}/processes/${child}`)).json()
  const tags = info.tags.filter(({ name }) => name === 'From-Process').map((tag) => tag.value)
  assert.deepEqual(tags, [parent])
})

test('a token keeps its books over a thousand transfers', async () => {
  const token = await net.spawn(module)
  await net.eval(token, await readFile(new URL('./token.lua', import.meta.url), 'utf8'))
  await net.eval(token, 'Balances = { alice = 1000000 }')
  const transfers = []
  let sum = 0
  for (let i = 0; i < 1000; i++) {
    const quantity = 1 + (i * 7919) % 900
    sum += quantity
    transfers.push({ Action: 'Give', Payer: 'alice', Recipient: `holder${i % 10}`, Quantity: quantity })
  }
  const ids = []
  for (let i = 0; i < transfers.length; i += 20) {
    ids.push(...await Promise.all(transfers.slice(i, i + 20).map((tags) => net.message(token, tags))))
  }
  assert.equal(new Set(ids).size, 1000)
  const balances = JSON.parse((await net.eval(token, 'return require("json").encode(Balances)')).Output.data)
  const held = Object.entries(balances).filter(([who]) => who.startsWith('holder')).map(([, amount]) => Number(amount))
  assert.equal(held.length, 10)
  assert.equal(held.reduce((a, b) => a + b, 0), sum)
  assert.equal(Number(balances.alice), 1000000 - sum)
  for (let holder = 0; holder < 10; holder++) {
    const due = transfers.filter((transfer) => transfer.Recipient === `holder${holder}`).reduce((a, t) => a + t.Quantity, 0)
    assert.equal(Number(balances[`holder${holder}`]), due)
  }
  const refused = await net.send(token, { Action: 'Give', Payer: 'alice', Recipient: 'holder0', Quantity: '999999999' })
  assert.match(JSON.stringify(refused), /Insufficient balance/)
})

test('a 32-bit aos and a 64-bit one talk to each other', async () => {
  const narrow = await net.spawn(await net.publish(aos32))
  const wide = await net.spawn(module)
  await net.eval(wide, 'Handlers.add("Ask", "Ask", function (msg) Send({ Target = msg.From, Action = "Answer", Data = msg.Data .. "!" }) end)')
  await net.eval(narrow, 'Handlers.add("Answer", "Answer", function (msg) Answer = msg.Data end)')
  await net.eval(narrow, `Send({ Target = "${wide}", Action = "Ask", Data = "well" })`)
  assert.equal(await net.until(() => value(narrow, 'tostring(Answer)'), (answer) => answer !== 'nil'), 'well!')
})
