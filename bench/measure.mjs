// What the benches of a running network have in common: the load, the processes that belong to a node, and the table of figures.
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from './workloads.mjs'

const run = promisify(execFile)

export const row = (what, figure) => console.log(`| ${what} | ${figure} |`)
export const spread = (values) => `${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)}`

// One run of weft-load, which prints a line of JSON.
export async function measure(args, env = {}) {
  const { stdout } = await run(join(build, 'bench/weft-load'), args.map(String), { maxBuffer: 1 << 24, env: { ...process.env, ...env } })
  return JSON.parse(stdout)
}

// The node and what it started.
export async function familyOf(pid) {
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

// Seconds of processor time that the workers, where guests run, have had.
export async function evaluating(pid) {
  let ticks = 0
  for (const member of await familyOf(pid)) {
    const stat = await readFile(`/proc/${member}/stat`, 'utf8').catch(() => '')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (stat.includes('(weft-worker)')) ticks += Number(fields[11]) + Number(fields[12])
  }
  return ticks / 100
}

export async function result(net, process, message) {
  const answer = await fetch(`${net.cu}/result/${message}?process-id=${process}`)
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
  return answer.json()
}

// The module that the network began with.
export async function ownModule(net) {
  const query = `{ transactions(owners: ["${net.address}"], tags: [{ name: "Name", values: ["aos"] }]) { edges { node { id } } } }`
  const { data } = await (await fetch(`${net.gateway}/graphql`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ query })
  })).json()
  return data.transactions.edges[0].node.id
}
