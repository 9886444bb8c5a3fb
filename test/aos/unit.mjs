// A process in a module, driven as Session (session.mjs) drives one, but through a compute unit: `weft cu` reads its history from
// a scheduler that is this program, and its module from a gateway that is too. reset() begins another process, with an id of its own.
//
// The unit makes what the module sees, so each kind of message comes the way that it comes on a network:
//   From is not Owner    the tag From-Process says so, and is added where it is missing: counted in `tagged`
//   without Data         assigned from the weave, its data excluded
//   Read-Only            POST /dry-run, after which the memory must be what it was
//   Cron                 the process's tags ask for it, GET /cron runs it; reset(steps) has to know which are to come
import { spawn } from 'node:child_process'
import { createHash, randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { build } from './session.mjs'

const weft = path.join(build, 'src/node/weft')
const newId = () => randomBytes(32).toString('base64url')
const pair = ([name, value]) => ({ name, value })
const limits = { 'Input-Encoding': 'JSON-1', 'Output-Encoding': 'JSON-1', 'Memory-Limit': '1-gb', 'Compute-Limit': '9000000000000' }
const owner = address => ({ address, key: '' })

// Another id with the same letters, for their sum is in the seed of math.random; the first and last three stay, which prints show.
function alike (id) {
  const letters = [...id.slice(3, 40)]
  for (let i = letters.length - 1; i > 0; i--) {
    const j = randomInt(i + 1);
    [letters[i], letters[j]] = [letters[j], letters[i]]
  }
  return id.slice(0, 3) + letters.join('') + id.slice(40)
}

// The format of a module, by the kind of its memory (section 5).
function format (wasm) {
  for (let at = 8; at < wasm.length;) {
    const section = wasm[at++]
    let size = 0, shift = 0, byte
    do {
      byte = wasm[at++]
      size += (byte & 127) * 2 ** shift
      shift += 7
    } while (byte & 128)
    if (section === 5 && wasm[at + 1] & 4) return 'wasm64-unknown-emscripten-draft_2024_02_15'
    at += size
  }
  return 'wasm32-unknown-emscripten4'
}

// The tags with which a process asks for these crons, each so many seconds after it began.
function cronTags (crons, began) {
  return crons.flatMap(c => [
    pair(['Cron-Interval', `${(c.Timestamp - began) / 1000}-seconds`]),
    ...c.Tags.map(t => pair(['Cron-Tag-' + t.name, t.value]))
  ])
}

export class UnitSession {
  static async open (module) {
    const s = new UnitSession()
    s.wasm = readFileSync(module)
    s.tagged = 0
    s.server = createServer((request, response) => s.#answer(request, response))
    s.server.listen(0, '127.0.0.1')
    await once(s.server, 'listening')
    const here = `http://127.0.0.1:${s.server.address().port}`
    const probe = createServer().listen(0, '127.0.0.1')
    await once(probe, 'listening')
    const port = probe.address().port
    await new Promise(resolve => probe.close(resolve))
    s.home = mkdtempSync(path.join(tmpdir(), 'weft-unit-'))
    s.child = spawn(weft, ['cu', '--home', s.home, '--port', String(port), '--gateway', here, '--graphql', here + '/graphql', '--node', here, '--su', here], { stdio: ['ignore', 'pipe', 'inherit'] })
    const output = await new Promise((resolve, reject) => {
      s.child.stdout.on('data', text => /ready/.test(text) && resolve(String(text)))
      s.child.on('exit', code => reject(new Error(`weft cu ended with ${code} before it was ready`)))
    })
    process.on('exit', () => s.child.kill('SIGINT'))
    s.cu = /cu (http:\S+)/.exec(output)[1]
    return s
  }

  reset (steps = []) {
    this.process = null
    this.crons = steps.map(s => s.msg).filter(m => m.Cron)
  }

  // {response, text, gas}
  async step (msg, env) {
    if (!this.process) this.#begin(msg, env)
    const p = this.process
    const ours = p.rename(msg)
    const text = await (msg.Cron ? this.#cron(ours) : msg['Read-Only'] ? this.#dry(ours) : this.#scheduled(ours))
    const { GasUsed: gas, ...response } = JSON.parse(text.replaceAll(p.id, p.theirs))
    return { response, gas, text: JSON.stringify(response) }
  }

  close () {
    this.server.close()
    this.server.closeAllConnections()
    this.child.kill('SIGINT')
    this.child.on('exit', () => rmSync(this.home, { recursive: true, force: true }))
  }

  // The first message is the process's own; if it is not, the process's own is only on the weave.
  #begin (msg, env) {
    const theirs = env.Process.Id, id = alike(theirs), itself = msg.Id === theirs
    const rename = value => JSON.parse(JSON.stringify(value).replaceAll(theirs, id))
    const tags = [...(itself ? msg : env.Process).Tags, ...cronTags(this.crons, msg.Timestamp)]
    this.process = {
      id,
      theirs,
      rename,
      itself: rename({ ...msg, Data: itself ? msg.Data : '', Tags: tags }),
      blocks: this.crons.map(c => ({ id: newId(), height: c['Block-Height'], timestamp: c.Timestamp / 1000 })),
      now: msg.Timestamp,
      fired: 0,
      history: [],
      module: env.Module ?? { Id: newId(), Owner: newId(), Tags: [] }
    }
  }

  async #ask (where, options) {
    const answer = await fetch(this.cu + where, { signal: AbortSignal.timeout(60000), ...options })
    if (!answer.ok) throw new Error(`${where}: ${answer.status} ${await answer.text()}`)
    return answer
  }

  async #scheduled (msg) {
    const p = this.process
    this.#assign(this.#forwarded(msg.Id === p.id ? p.itself : msg))
    return (await this.#ask(`/result/${msg.Id}?process-id=${p.id}`)).text()
  }

  // What was forwarded is told from its double by its anchor, too.
  #forwarded (msg) {
    if (msg.From === msg.Owner || msg.Tags.some(t => t.name === 'From-Process')) return msg
    this.tagged++
    return { ...msg, Tags: [...msg.Tags, pair(['From-Process', msg.From])], Anchor: String(msg.Timestamp).padStart(32, '0') }
  }

  async #dry (msg) {
    const p = this.process
    const state = async () => Buffer.from(await (await this.#ask('/state/' + p.id)).arrayBuffer())
    const before = await state()
    const answer = await this.#ask('/dry-run?process-id=' + p.id, { method: 'POST', body: JSON.stringify(this.#forwarded(msg)) })
    if (!before.equals(await state())) throw new Error('a dry run has changed the state')
    return answer.text()
  }

  async #cron (msg) {
    const p = this.process
    p.now = msg.Timestamp + 1
    const { edges } = await (await this.#ask('/cron/' + p.id)).json()
    if (edges.length !== p.fired + 1) throw new Error(`${edges.length - p.fired} crons instead of one`)
    return JSON.stringify(edges[p.fired++].node)
  }

  #assign (msg) {
    const p = this.process, nonce = p.history.length, before = p.history[nonce - 1]
    const chain = createHash('sha256')
    if (before) chain.update(Buffer.from(before.assignment.id, 'base64url')).update(Buffer.from(before.chain, 'base64url'))
    else chain.update(Buffer.from(p.id, 'base64url'))
    const hashChain = chain.digest('base64url')
    const assigned = msg.Target !== p.id || msg.Data === undefined // the unit finds the message on the weave
    const tags = {
      'Data-Protocol': 'ao', Variant: 'ao.TN.1', Type: 'Assignment', Process: p.id, Epoch: '0', Nonce: String(nonce), 'Hash-Chain': hashChain,
      'Block-Height': String(msg['Block-Height']), Timestamp: String(msg.Timestamp), Message: msg.Id
    }
    const excluded = msg.Data === undefined ? [['Exclude', 'Data'], ['Exclude', 'Signature']] : []
    p.now = msg.Timestamp
    p.history.push({
      chain: hashChain,
      assigned,
      message: { id: msg.Id, owner: owner(msg.Owner), data: msg.Data, tags: msg.Tags, signature: '', anchor: msg.Anchor ?? null, target: msg.Target },
      assignment: { id: newId(), owner: owner(msg.Owner), tags: [...Object.entries(tags), ...excluded].map(pair), signature: '', anchor: null, target: '' }
    })
  }

  async #answer (request, response) {
    const { pathname, searchParams } = new URL(request.url, 'http://here'), p = this.process, part = pathname.split('/')
    const json = value => response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(value))
    const node = ({ assigned, message, assignment }) => ({ message: assigned ? null : message, assignment })
    if (pathname === '/graphql') {
      let body = ''
      for await (const piece of request) body += piece
      json({ data: body.includes('blocks(') ? this.#blocks(JSON.parse(body).variables) : this.#item(body) })
    } else if (part[1] === 'processes') {
      const { Owner, Target, Data, Tags, Anchor, Timestamp, 'Block-Height': height } = p.itself
      json({ process_id: p.id, block: String(height), timestamp: String(Timestamp), nonce: 0, id: p.id, owner: owner(Owner), data: Data, tags: Tags, signature: '', anchor: Anchor ?? null, target: Target })
    } else if (part[1] === 'timestamp') {
      json({ timestamp: String(p.now), block_height: String(p.itself['Block-Height']) })
    } else if (pathname.endsWith('/raw/' + p.id)) {
      response.writeHead(200).end(p.itself.Data)
    } else if (pathname.endsWith(p.module.Id)) {
      response.writeHead(200).end(this.wasm)
    } else if (part[1] === p.id && searchParams.has('from-nonce')) {
      const from = Number(searchParams.get('from-nonce')) + 1, to = Number(searchParams.get('to-nonce') ?? Infinity)
      const list = p.history.slice(Math.max(from, 0), to + 1)
      json({ page_info: { has_next_page: false }, edges: list.map((h, i) => ({ cursor: String(Math.max(from, 0) + i), node: node(h) })) })
    } else {
      const found = p.history.find(h => pathname.includes(h.message.id))
      if (found?.assigned && !searchParams.has('process-id')) response.writeHead(200).end(found.message.data)
      else found ? json(node(found)) : response.writeHead(404).end('{"error":"not here"}')
    }
  }

  #blocks ({ min }) {
    const edges = this.process.blocks.filter(b => b.height >= min).map(node => ({ node }))
    return { blocks: { pageInfo: { hasNextPage: false }, edges } }
  }

  // The message that is asked for, or else the module.
  #item (body) {
    const assigned = this.process.history.find(h => h.assigned && body.includes(h.message.id))
    const { id, owner: by, tags, data, anchor, target } = assigned?.message ?? this.#module()
    const node = {
      id, anchor: anchor ?? '', signature: '', recipient: target ?? '', owner: by, tags,
      data: { size: String(data?.length ?? 0), type: '' },
      block: { id: newId(), height: 1, timestamp: 1 }
    }
    return { transactions: { pageInfo: { hasNextPage: false }, edges: [{ cursor: '', node }] } }
  }

  #module () {
    const { Id, Owner, Tags } = this.process.module
    const missing = Object.entries({ 'Module-Format': format(this.wasm), ...limits }).filter(([name]) => !Tags.some(t => t.name === name))
    return { id: Id, owner: owner(Owner), tags: [...Tags, ...missing.map(pair)], data: this.wasm }
  }
}
