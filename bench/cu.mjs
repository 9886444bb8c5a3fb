#!/usr/bin/env node
// bench/cu.mjs [--count 10000] [--reps 3]: a compute unit on what the reference one is measured with, 10,000 transfers of a small token
// from one account to 500 others (amounts as decimal strings, a notice to both sides), scheduled beforehand and asked for by
// GET /result of the last. Once through a whole network; then the same history with `weft cu` as a program of its own, from
// an empty disk, beside a scheduler that does nothing but hand it out; and then the very same messages in the bare engine
// (bench/engine.c, each message foreseen, each committed), which has to come to the same last result with the same gas. The
// sides take turns, and the share is the median of the pairs'.
import { spawn, spawnSync } from 'node:child_process'
import { createHash, generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Network, aos64, aosOurs, weft } from '../test/e2e/network.mjs'
import { evaluating, measure, ownModule, result, row, spread } from './measure.mjs'
import { build, median, option, tools } from './workloads.mjs'

const count = Number(option('count', 10000)), reps = Number(option('reps', 3))
const accounts = 500, supply = '1000000000000000'
const token = `
Balances = Balances or {}
local function move (account, amount)
  Balances[account] = string.format('%.0f', tonumber(Balances[account] or '0') + amount)
end
Handlers.add('transfer', Handlers.utils.hasMatchingTag('Action', 'Transfer'), function (msg)
  local to, amount = msg.Tags.Recipient, tonumber(msg.Tags.Quantity)
  assert(type(to) == 'string' and #to > 0, 'whom to?')
  assert(amount and amount > 0 and amount % 1 == 0, 'how much?')
  assert(tonumber(Balances[msg.From] or '0') >= amount, 'not enough')
  move(msg.From, -amount)
  move(to, amount)
  ao.send({ Target = msg.From, Action = 'Debit-Notice', Recipient = to, Quantity = msg.Tags.Quantity })
  ao.send({ Target = to, Action = 'Credit-Notice', Sender = msg.From, Quantity = msg.Tags.Quantity })
end)
return 'ready'`
const transfer = ['--', 'Action=Transfer', `Recipient=an-account-with-an-address-of-43-letters-${'%' + accounts}`, 'Quantity=100']

// ---- the history ----

const work = await mkdtemp(join(tmpdir(), 'weft-cu-'))
const keyFile = join(work, 'sender.json')
const sender = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
const address = createHash('sha256').update(Buffer.from(sender.x, 'base64url')).digest('base64url')
await writeFile(keyFile, JSON.stringify(sender))

const pageOf = async (net, process, after, limit) =>
  (await fetch(`${net.su}/${process}?process-id=${process}&from-nonce=${after}&limit=${limit}`)).json()

// A process with its token, and so many transfers that nobody has evaluated.
async function ledger(net, module, count) {
  const process = await net.spawn(module)
  const ready = await net.eval(process, token)
  if (ready.Error || (ready.Output.data.output ?? ready.Output.data) !== 'ready') throw new Error(`the token: ${JSON.stringify(ready)}`)
  const funded = await net.message(process, { Action: 'Eval' }, `Balances['${address}'] = '${supply}' return 'funded'`)
  await result(net, process, funded)
  await measure(['append', net.su, count, 64, process, ...transfer], { WEFT_LOAD_KEY: keyFile })
  const { edges: [{ node: last }] } = await pageOf(net, process, count + 1, 1)
  return { process, funded, last: last.message.id }
}

async function timed(net, pid, { process, last }) {
  const before = await evaluating(pid), start = performance.now()
  const answer = await result(net, process, last)
  const seconds = (performance.now() - start) / 1000
  if (answer.Error || answer.Messages.length !== 2) throw new Error(`the last transfer: ${JSON.stringify(answer)}`)
  return { rate: count / seconds, busy: (await evaluating(pid) - before) / seconds, answer }
}

// ---- the compute unit alone ----

async function unit(net, name) {
  const env = { PATH: process.env.PATH, WEFT_HOME: net.home, WEFT_PORT: String(net.port) }
  const child = spawn(weft, [name], { stdio: ['ignore', 'pipe', 'inherit'], env })
  child.ended = once(child, 'exit')
  const [text] = await Promise.race([once(child.stdout.setEncoding('utf8'), 'data'), child.ended.then(() => ['it ended'])])
  if (!/ready/.test(text)) throw new Error(`weft ${name}: ${text}`)
  child.leave = async () => { child.kill('SIGINT'); await child.ended }
  return child
}

async function alone(net, history) {
  await rm(join(net.home, 'cu'), { recursive: true, force: true })
  const cu = await unit(net, 'cu')
  try {
    await result(net, history.process, history.funded)
    return await timed(net, cu.pid, history)
  } finally {
    await cu.leave()
  }
}

// ---- the bare engine ----

// What the compute unit makes of an assignment for the module (src/cu/message.c).
function text({ message: m, assignment: a }, process) {
  const tag = (name) => a.tags.find((t) => t.name === name)?.value
  return JSON.stringify({
    Id: m.id, Signature: m.signature, Data: m.data ?? null, Owner: m.owner.address, Target: process, Anchor: m.anchor ?? null,
    From: m.owner.address, Tags: m.tags, Epoch: Number(tag('Epoch')), Nonce: Number(tag('Nonce')),
    Timestamp: Number(tag('Timestamp')), 'Block-Height': Number(tag('Block-Height')), 'Hash-Chain': tag('Hash-Chain'),
    Cron: false, 'Read-Only': false
  })
}

async function messagesOf(net, process) {
  const texts = []
  for (let more = true; more;) {
    const page = await pageOf(net, process, texts.length - 1, 1000)
    texts.push(...page.edges.map(({ node }) => text(node, process)))
    more = page.page_info.has_next_page && page.edges.length > 0
  }
  return texts
}

async function party(net, id) {
  const query = `{ transaction(id: "${id}") { owner { address } tags { name value } } }`
  const { data } = await (await fetch(`${net.gateway}/graphql`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ query })
  })).json()
  return { Id: id, Owner: data.transaction.owner.address, Tags: data.transaction.tags }
}

// The file that bench/engine reads: `all` is the history, `warm` makes what the cache of translated code may lack.
async function engineFile(net, { file, format }, module, process) {
  const [first, ...texts] = await messagesOf(net, process)
  const setup = texts.splice(0, texts.length - count), at = join(work, `${module}.json`)
  const env = JSON.stringify({ Process: await party(net, process), Module: await party(net, module) })
  const workloads = [{ name: 'warm', setup, messages: texts, count: 1, warm: 1000 }, { name: 'all', setup, messages: texts, count, warm: 0 }]
  await writeFile(at, JSON.stringify({ module: file, format, env, first, workloads }))
  engine(at, '-1', 'warm')
  return at
}

function engine(file, option, workload) {
  const run = spawnSync(join(build, 'bench/engine'), [option, file, join(work, 'cache'), workload], { encoding: 'utf8', env: tools })
  if (run.status !== 0) throw new Error(`engine: ${run.stderr || run.signal}`)
  return JSON.parse(run.stdout)
}

function bare(file, answer) {
  const { mean, last, gas_last: gas } = engine(file, '-a', 'all')
  if (gas !== answer.GasUsed || JSON.stringify(last.Messages) !== JSON.stringify(answer.Messages)) {
    throw new Error(`the engine came to something else: ${gas} gas, ${JSON.stringify(last)}; the compute unit: ${JSON.stringify(answer)}`)
  }
  return 1000 / mean
}

// ---- all of it ----

const percent = (part) => `${(100 * part).toFixed(0)} %`
const units = []
const net = await Network.start()
try {
  console.log('| what | measured |\n|---|---|')
  const modules = [['aos2_0_6', aos64, await net.publish(aos64)], ['our aos', aosOurs, await ownModule(net)]]
  const what = `${count} transfers among ${accounts} accounts, through GET /result,`
  for (const side of modules) {
    const histories = []
    await timed(net, net.child.pid, await ledger(net, side[2], 2000)) // which has its code translated
    for (let i = 0; i < reps; i++) histories.push(await ledger(net, side[2], count))
    const runs = []
    for (const history of histories) runs.push(await timed(net, net.child.pid, history))
    side.push(histories[0])
    row(`${what} a whole network, ${side[0]}`, `${median(runs.map((r) => r.rate)).toFixed(0)}/s (${spread(runs.map((r) => r.rate))}), the worker computes ${percent(median(runs.map((r) => r.busy)))} of the time`)
  }
  await net.stop()
  for (const name of ['weave', 'su']) units.push(await unit(net, name))
  for (const [name, kind, module, history] of modules) {
    const file = await engineFile(net, kind, module, history.process), runs = []
    for (let i = 0; i < reps; i++) {
      const run = await alone(net, history)
      runs.push({ ...run, bare: bare(file, run.answer) })
    }
    row(`${what} \`weft cu\` alone, ${name}`, `${median(runs.map((r) => r.rate)).toFixed(0)}/s (${spread(runs.map((r) => r.rate))}), the worker computes ${percent(median(runs.map((r) => r.busy)))} of the time`)
    row(`the same messages in the bare engine, ${name}`, `${median(runs.map((r) => r.bare)).toFixed(0)}/s (${spread(runs.map((r) => r.bare))}); the compute unit is at ${percent(median(runs.map((r) => r.rate / r.bare)))} of it`)
  }
} finally {
  for (const child of units.reverse()) await child.leave()
  await net.clean()
  await rm(work, { recursive: true })
}
