// A network under load: one message's way round, the scheduler's appends, the compute unit's transfers and dry runs,
// growth over many processes, and memory. `bench/run network` runs it; the load comes from weft-load, so that
// what is measured is the network and not a client in JavaScript.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Network, aos64, freePorts, weft } from '../test/e2e/network.mjs'
import { evaluating, familyOf, measure, ownModule, result, row, spread } from './measure.mjs'
import { median } from './workloads.mjs'

const token = await readFile(new URL('../test/e2e/token.lua', import.meta.url), 'utf8')
const holders = 10000
const give = ['--', 'Action=Give', 'Payer=bank', 'Quantity=1', 'Recipient=h%']

// Resident memory in MiB: all of it, and without what processes share.
async function resident(pid) {
  const family = await familyOf(pid)
  let proportional = 0
  for (const member of family) {
    const text = await readFile(`/proc/${member}/smaps_rollup`, 'utf8').catch(() => '')
    proportional += Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0)
  }
  const own = Number(/^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))[1])
  return { node: own / 1024, all: proportional / 1024 }
}
const mib = (m) => `${m.node.toFixed(0)} MiB the node, ${m.all.toFixed(0)} MiB with its workers`

async function bank(net, module) {
  const process = await net.spawn(module)
  await net.eval(process, token)
  await net.eval(process, `Balances = { bank = 1e9 }; for i = 0, ${holders - 1} do Balances["h" .. i] = 1 end`)
  return process
}

// Schedules `count` transfers over the processes, then asks for the result of the last of each. Gives the rate, and the
// part of that time in which workers computed: what is left to gain by doing nothing but evaluate.
async function transfers(net, processes, count) {
  const { last } = await measure(['append', net.su, count, 64, ...processes, ...give])
  const before = await evaluating(net.child.pid), start = performance.now()
  const answers = await Promise.all(last.map((message, i) => result(net, processes[(count - last.length + i) % processes.length], message)))
  const seconds = (performance.now() - start) / 1000, failed = answers.find((answer) => answer.Error)
  if (failed) throw new Error(`a transfer: ${JSON.stringify(failed)}`)
  return { rate: count / seconds, busy: (await evaluating(net.child.pid) - before) / seconds }
}

// From the command to the word that it is ready, in homes that are made for it.
async function starts(count) {
  const times = []
  for (let i = 0; i < count; i++) {
    const home = await mkdtemp(join(tmpdir(), 'weft-start-'))
    const start = performance.now()
    const child = spawn(weft, ['up', '--home', home, '--port', String(await freePorts())], { stdio: ['ignore', 'pipe', 'inherit'] })
    await new Promise((done) => child.stdout.on('data', (text) => /ready/.test(text) && done()))
    times.push(performance.now() - start)
    child.kill('SIGINT')
    await once(child, 'exit')
    await rm(home, { recursive: true })
  }
  return times
}

// From a message to its result, for a process of so many MB that was put away because another was asked meanwhile; and for
// one that is at hand.
async function resumes(count) {
  const net = await Network.start({ args: ['--live-max', '1'] })
  try {
    const module = await net.publish(aos64)
    const [large, other] = [await net.spawn(module), await net.spawn(module)]
    const { Error: error } = await net.eval(large, "Padding = {} for i = 1, 25 do Padding[i] = string.rep(string.char(33 + i), 1000000) end return 1")
    if (error) throw new Error(error)
    const once = async (process) => (await measure(['round', net.mu, net.cu, 1, process, '--', 'Action=Ping'])).p50_ms
    const times = { away: [], atHand: [] }
    for (let i = 0; i < count; i++) {
      await once(other)
      await new Promise((done) => setTimeout(done, 300))
      times.away.push(await once(large))
      times.atHand.push(await once(large))
    }
    const state = await fetch(`${net.cu}/state/${large}`)
    return { ...times, bytes: (await state.arrayBuffer()).byteLength }
  } finally {
    await net.clean()
  }
}

const up = await starts(15)
const net = await Network.start()
try {
  console.log('| what | measured |\n|---|---|')
  row('weft up in a new home until it is ready', `p50 ${median(up).toFixed(0)} ms, max ${Math.max(...up).toFixed(0)} ms`)
  row('memory, idle', mib(await resident(net.child.pid)))
  const ours = await ownModule(net)
  const born = (count) => measure(['spawn', net.mu, net.cu, count, ours, net.address])
  row('spawn to answer, the first process of a new network', `${(await born(1)).p50_ms.toFixed(1)} ms`)
  const births = await born(30)
  row('spawn to answer, idle network', `p50 ${births.p50_ms} ms, p99 ${births.p99_ms} ms`)
  const module = await net.publish(aos64)
  const first = performance.now()
  const echo = await net.spawn(module)
  await result(net, echo, echo)
  row('first result of a module never seen', `${(performance.now() - first).toFixed(0)} ms`)
  await net.eval(echo, 'return 1')
  const own = await net.spawn(ours)
  await net.eval(own, 'return 1')

  for (const [process, name] of [[echo, 'aos2_0_6'], [own, 'our module']]) {
    const round = await measure(['round', net.mu, net.cu, 500, process, '--', 'Action=Ping'])
    row(`one message all the way round, idle network, ${name}`, `p50 ${round.p50_ms} ms, p99 ${round.p99_ms} ms`)
  }

  const many = []
  for (let i = 0; i < 100; i++) many.push(await net.spawn(module))
  for (const [processes, name] of [[[echo], '1 process'], [many, '100 processes']]) {
    const rates = []
    for (let i = 0; i < 3; i++) rates.push((await measure(['append', net.su, 20000, 128, ...processes, '--', 'Action=Note'])).per_second)
    row(`scheduler appends, ${name}`, `${median(rates).toFixed(0)}/s (${spread(rates)})`)
  }

  const ledger = await bank(net, module)
  for (const [process, name] of [[ledger, 'aos2_0_6'], [await bank(net, ours), 'our aos']]) {
    const runs = []
    for (let i = 0; i < 3; i++) runs.push(await transfers(net, [process], 10000))
    const rates = runs.map((r) => r.rate)
    row(`10,000 transfers of a token with 10,000 balances, through GET /result, ${name}`,
      `${median(rates).toFixed(0)}/s (${spread(rates)}), ` +
      `the worker computes ${(100 * median(runs.map((r) => r.busy))).toFixed(0)} % of the time`)
  }

  const dry = await measure(['dry-run', net.cu, 4000, 8, ledger, '--', 'Action=Ask', 'Number=%'])
  row('distinct dry runs, 8 at a time', `${dry.per_second.toFixed(0)}/s, p50 ${dry.p50_ms} ms, p99 ${dry.p99_ms} ms`)

  if (!process.argv.includes('--short')) {
    for (const count of [1, 10, 100, 1000]) {
      const processes = []
      for (let i = 0; i < count; i++) processes.push(await net.spawn(module))
      for (const process of processes) await net.eval(process, token + '; Balances = { bank = 1e9 }')
      row(`10,000 transfers over ${count} processes`, `${(await transfers(net, processes, 10000)).rate.toFixed(0)}/s`)
      if (count === 100) row('memory, 100 hot processes more', mib(await resident(net.child.pid)))
    }
  }
  row('memory, after', mib(await resident(net.child.pid)))
} finally {
  await net.clean()
}
const { away, atHand, bytes } = await resumes(10)
row(`from a message to its result, for a process with a memory of ${(bytes / 1e6).toFixed(0)} MB that was put away`,
  `p50 ${median(away).toFixed(1)} ms (${Math.min(...away).toFixed(1)} to ${Math.max(...away).toFixed(1)}); at hand ${median(atHand).toFixed(1)} ms`)
