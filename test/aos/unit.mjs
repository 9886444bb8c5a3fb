// A process in a module, driven as Session (session.mjs) drives one, but through a compute unit: `weft cu` reads its history from
// a scheduler that is this program, and its module from a gateway that is too. reset() begins another process, with an id of its own.
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { build } from './session.mjs'

const weft = path.join(build, 'src/node/weft')
const newId = () => randomBytes(32).toString('base64url')
const limits = { 'Module-Format': 'wasm32-unknown-emscripten4', 'Input-Encoding': 'JSON-1', 'Output-Encoding': 'JSON-1', 'Memory-Limit': '1-gb', 'Compute-Limit': '9000000000000' }
const owner = address => ({ address, key: '' })

export class UnitSession {
  static async open (module) {
    const s = new UnitSession()
    s.wasm = readFileSync(module)
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

  // What of a case can come from a scheduler: the unit itself says who a message is from, and crons and dry runs are its own.
  static can ({ msg, env }, first) {
    if (first && !env?.Process?.Id) return false
    const tag = name => msg.Tags.find(t => t.name === name)?.value
    return !msg.Cron && !('Read-Only' in msg) && typeof msg.Data === 'string' && typeof msg.Timestamp === 'number' && typeof msg['Block-Height'] === 'number' &&
      (msg.From === msg.Owner ? !tag('From-Process') : tag('From-Process') === msg.From) && (!first || tag('Type') === 'Process')
  }

  reset () { this.process = null }

  async step (msg, env) {
    if (!this.process) this.#begin(msg, env)
    const p = this.process
    const replaced = JSON.parse(JSON.stringify(msg).replaceAll(p.theirs, p.id))
    const id = p.history.length ? newId() : p.id
    this.#assign(replaced, id)
    const answer = await fetch(`${this.cu}/result/${id}?process-id=${p.id}`, { signal: AbortSignal.timeout(30000) })
    const text = (await answer.text()).replaceAll(p.id, p.theirs).replaceAll(id, msg.Id)
    if (!answer.ok) throw new Error(`${answer.status} ${text}`)
    const { GasUsed, ...response } = JSON.parse(text)
    return { response }
  }

  close () {
    this.server.close()
    this.server.closeAllConnections()
    this.child.kill('SIGINT')
    this.child.on('exit', () => rmSync(this.home, { recursive: true, force: true }))
  }

  #begin (msg, env) {
    this.process = { id: newId(), theirs: env.Process.Id, history: [], message: msg, module: env.Module }
  }

  #assign (msg, id) {
    const p = this.process, nonce = p.history.length, before = p.history[nonce - 1]
    const chain = createHash('sha256')
    if (before) chain.update(Buffer.from(before.assignment.id, 'base64url')).update(Buffer.from(before.chain, 'base64url'))
    else chain.update(Buffer.from(p.id, 'base64url'))
    const hashChain = chain.digest('base64url')
    const tags = {
      'Data-Protocol': 'ao', Variant: 'ao.TN.1', Type: 'Assignment', Process: p.id, Epoch: '0', Nonce: String(nonce), 'Hash-Chain': hashChain,
      'Block-Height': String(msg['Block-Height']), Timestamp: String(msg.Timestamp), Message: id
    }
    p.history.push({
      chain: hashChain,
      assigned: msg.Target !== p.id, // somebody else's message, which the unit finds on the weave
      message: { id, owner: owner(msg.Owner), data: msg.Data, tags: msg.Tags, signature: '', anchor: msg.Anchor ?? null, target: msg.Target },
      assignment: { id: newId(), owner: owner(msg.Owner), tags: Object.entries(tags).map(([name, value]) => ({ name, value })), signature: '', anchor: null, target: '' }
    })
  }

  async #answer (request, response) {
    const { pathname, searchParams } = new URL(request.url, 'http://here'), p = this.process, part = pathname.split('/')
    const json = value => response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(value))
    const node = ({ assigned, message, assignment }) => ({ message: assigned ? null : message, assignment })
    if (pathname === '/graphql') {
      let body = ''
      for await (const piece of request) body += piece
      const found = p.history.find(h => h.assigned && body.includes(h.message.id))?.message
      const tags = found?.tags ?? [...p.module.Tags, ...Object.entries(limits).filter(([name]) => !p.module.Tags.some(t => t.name === name)).map(([name, value]) => ({ name, value }))]
      json({ data: { transactions: { pageInfo: { hasNextPage: false }, edges: [{ cursor: '', node: { id: found?.id ?? p.module.Id, anchor: found?.anchor ?? '', signature: '', recipient: found?.target ?? '', owner: found?.owner ?? owner(p.module.Owner), data: { size: String((found?.data ?? this.wasm).length), type: '' }, tags, block: { id: newId(), height: 1, timestamp: 1 } } }] } } })
    } else if (part[1] === 'processes') {
      const { message } = p.history[0]
      const first = p.message
      json({ process_id: p.id, block: String(first['Block-Height']), timestamp: String(first.Timestamp), nonce: 0, ...message })
    } else if (part[1] === 'timestamp') {
      const { Timestamp, 'Block-Height': height } = p.message
      json({ timestamp: String(Timestamp), block_height: String(height) })
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
}
