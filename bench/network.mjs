// A network under load: one message's way round, the scheduler's appends, the compute unit's transfers and dry runs,
// growth over many processes, and memory. `bench/run network` runs it; the load comes from weft-load, so that
// what is measured is the network and not a client in JavaScript.
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import { Network, aos64, aosOurs } from '../test/e2e/network.mjs'

const run = promisify(execFile)
const load = fileURLToPath(new URL('../build/bench/weft-load', import.meta.url))
const token = await readFile(new URL('../test/e2e/token.lua', import.meta.url), 'utf8')
const holders = 10000
const give = ['--', 'Action=Give', 'From_=bank', 'Quantity=1', 'Recipient=h%']
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1]
const rows = []
const row = (what, figure) => { rows.push([what, figure]); console.log(`| ${what} | ${figure} |`) }

async function measure(...args) {
  return JSON.parse((await run(load, args.map(String), { maxBuffer: 1 << 24 })).stdout)
}

// The node and what it started.
async function familyOf(pid) {
  const { stdout } = await run('ps', ['-e', '-o', 'pid=,ppid='])
  const children = new Map()
  for (const line of stdout.trim().split('\n')) {
    const [child, parent] = line.trim().split(/\s+/).map(Number)
    children.set(parent, [...(children.get(parent) ?? []), child])
  }
  const family = [pid]
  for (let i = 0; i < family.length; i++) family.push(...(children.get(family[i]) ?? []))
  return family
}

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

// Seconds of processor time that the workers, where guests run, have had.
async function evaluating(pid) {
  let ticks = 0
  for (const member of await familyOf(pid)) {
    const stat = await readFile(`/proc/${member}/stat`, 'utf8').catch(() => '')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (stat.includes('(weft-worker)')) ticks += Number(fields[11]) + Number(fields[12])
  }
  return ticks / 100
}

async function bank(net, module) {
  const process = await net.spawn(module)
  await net.eval(process, token)
  await net.eval(process, `Balances = { bank = 1e9 }; for i = 0, ${holders - 1} do Balances["h" .. i] = 1 end`)
  return process
}

async function result(net, process, message) {
  const answer = await fetch(`${net.cu}/result/${message}?process-id=${process}`)
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
  return answer.json()
}

// Schedules `count` transfers over the processes, then asks for the result of the last of each. Gives the rate, and the
// part of that time in which workers computed: what is left to gain by doing nothing but evaluate.
async function transfers(net, processes, count) {
  const { last } = await measure('append', net.su, count, 64, ...processes, ...give)
  const before = await evaluating(net.child.pid), start = performance.now()
  await Promise.all(last.map((message, i) => result(net, processes[(count - last.length + i) % processes.length], message)))
  const seconds = (performance.now() - start) / 1000
  return { rate: count / seconds, busy: (await evaluating(net.child.pid) - before) / seconds }
}

const net = await Network.start()
try {
  console.log('| what | measured |\n|---|---|')
  row('memory, idle', mib(await resident(net.child.pid)))
  const module = await net.publish(aos64)
  const first = performance.now()
  const echo = await net.spawn(module)
  await result(net, echo, echo)
  row('first result of a module never seen', `${(performance.now() - first).toFixed(0)} ms`)
  await net.eval(echo, 'return 1')

  const round = await measure('round', net.mu, net.cu, 500, echo, '--', 'Action=Ping')
  row('one message all the way round, idle network', `p50 ${round.p50_ms} ms, p99 ${round.p99_ms} ms`)

  const many = []
  for (let i = 0; i < 100; i++) many.push(await net.spawn(module))
  for (const [processes, name] of [[[echo], '1 process'], [many, '100 processes']]) {
    const rates = []
    for (let i = 0; i < 3; i++) rates.push((await measure('append', net.su, 20000, 128, ...processes, '--', 'Action=Note')).per_second)
    row(`scheduler appends, ${name}`, `${median(rates).toFixed(0)}/s (${Math.min(...rates).toFixed(0)} to ${Math.max(...rates).toFixed(0)})`)
  }

  const ledger = await bank(net, module)
  for (const [process, name] of [[ledger, 'aos2_0_6'], [await bank(net, await net.publish(aosOurs)), 'our aos']]) {
    const runs = []
    for (let i = 0; i < 3; i++) runs.push(await transfers(net, [process], 10000))
    const rates = runs.map((r) => r.rate)
    row(`10,000 transfers of a token with 10,000 balances, through GET /result, ${name}`,
      `${median(rates).toFixed(0)}/s (${Math.min(...rates).toFixed(0)} to ${Math.max(...rates).toFixed(0)}), ` +
      `the worker computes ${(100 * median(runs.map((r) => r.busy))).toFixed(0)} % of the time`)
  }

  const dry = await measure('dry-run', net.cu, 4000, 8, ledger, '--', 'Action=Ask', 'Number=%')
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
