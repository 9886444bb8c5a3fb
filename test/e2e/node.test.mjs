// A node as its operator sees it: start, stop, start again; killed in the middle of traffic; what is in its way when it
// starts; and the four units as programs of their own.
import { after, test } from 'node:test'
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createDataItemSigner } from '@permaweb/aoconnect'
import { Network, aos64, freePorts, wallet, weft } from './network.mjs'

const homes = []
async function newHome() {
  const home = await mkdtemp(join(tmpdir(), 'weft-node-'))
  homes.push(home)
  return home
}
after(async () => { for (const home of homes) await rm(home, { recursive: true, force: true }) })

// Runs weft to its end.
function run(args, env = {}) {
  return new Promise((done) => execFile(weft, args, { env: { PATH: process.env.PATH, ...env }, timeout: 30000 },
    (error, stdout, stderr) => done({ code: error ? error.code : 0, stdout, stderr })))
}

async function locations(net, owner) {
  const query = `{ transactions(owners: ["${owner}"], tags: [{ name: "Type", values: ["Scheduler-Location"] }]) {
    edges { node { tags { name value } } } } }`
  const answer = await fetch(`${net.gateway}/graphql`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ query })
  })
  return (await answer.json()).data.transactions.edges.map(({ node }) => node.tags.find(({ name }) => name === 'Url').value)
}

test('a restart goes on where it was', async () => {
  const home = await newHome()
  let net = await Network.start({ home })
  const { address, port } = net
  const module = await net.publish(aos64)
  const process_ = await net.spawn(module)
  await net.eval(process_, 'Counter = 41')
  const before = await net.message(process_, { Action: 'Eval' }, 'return Counter')
  assert.equal((await net.ao.result({ process: process_, message: before })).Output.data, '41')
  assert.deepEqual(await locations(net, address), [net.su])
  // The public network's scheduler, which clients have built in: this one stands in for it.
  assert.deepEqual(await locations(net, '_GQ33BkPtZrqxA84vM8Zk-N2aO0toNNu_C-l-rawrBA'), [net.su])
  assert.deepEqual(await net.stop(), { code: 0, signal: null })

  net = await Network.start({ home, port })
  assert.equal(net.address, address)
  assert.equal((await net.eval(process_, 'Counter = Counter + 1; return Counter')).Output.data, '42')
  assert.equal((await net.ao.result({ process: process_, message: before })).Output.data, '41')
  assert.deepEqual(await locations(net, address), [net.su], 'published once')
  assert.deepEqual(await net.stop('SIGTERM'), { code: 0, signal: null })

  net = await Network.start({ home })
  assert.equal((await net.eval(process_, 'return Counter')).Output.data, '42')
  assert.equal((await locations(net, address))[0], net.su, 'published again when it moved')
  assert.deepEqual(await net.stop(), { code: 0, signal: null })
  const log = await readFile(join(home, 'weft.log'), 'utf8')
  assert.equal(log.match(/info node\.start /g).length, 3)
  assert.equal(log.match(/info node\.stop /g).length, 3)
})

test('a second signal stops it at once, and the next start is none the worse', async () => {
  const home = await newHome()
  let net = await Network.start({ home })
  const { port } = net
  const process_ = await net.spawn(await net.publish(aos64))
  assert.equal((await net.eval(process_, 'Kept = 7; return Kept')).Output.data, '7')
  net.child.kill('SIGINT')
  net.child.kill('SIGTERM')
  assert.deepEqual(await net.exited, [6, null])
  assert.match(net.output, /stopped at once/)
  net = await Network.start({ home, port })
  assert.equal((await net.eval(process_, 'return Kept')).Output.data, '7')
  assert.deepEqual(await net.stop(), { code: 0, signal: null })
})

test('what was answered is there after kill -9, and is evaluated', async () => {
  const home = await newHome()
  let net = await Network.start({ home })
  const { port } = net
  const module = await net.publish(aos64)
  const processes = await Promise.all([net.spawn(module), net.spawn(module)])
  for (const process_ of processes) {
    await net.eval(process_, 'Seen = {}; Handlers.add("Note", "Note", function (msg) Seen[msg.Id] = true end)')
  }
  const answered = []
  let stop = false
  const post = async (process_) => {
    for (let i = 0; !stop; i++) {
      try {
        answered.push([process_, await net.message(process_, { Action: 'Note', N: i })])
      } catch {
        return // the node is gone: this one was not answered
      }
    }
  }
  const posting = Promise.all([...processes, ...processes].map(post))
  await net.until(() => answered.length, (count) => count >= 60)
  const workers = (await readFile(`/proc/${net.child.pid}/task/${net.child.pid}/children`, 'utf8')).trim().split(' ').filter(Boolean)
  net.child.kill('SIGKILL')
  await net.exited
  stop = true
  await posting
  const gone = async () => (await Promise.all(workers.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').then(
    (stat) => stat.split(') ')[1][0] === 'Z', () => true)))).every(Boolean)
  await net.until(gone, (all) => all)

  net = await Network.start({ home, port })
  for (const process_ of processes) {
    const mine = answered.filter(([to]) => to === process_).map(([, id]) => id)
    const seen = new Set(JSON.parse((await net.eval(process_,
      'local l = {}; for id in pairs(Seen) do table.insert(l, id) end; return require("json").encode(l)')).Output.data))
    for (const id of mine) assert.ok(seen.has(id), `${id} was answered, and is lost`)
    const last = await net.ao.result({ process: process_, message: mine.at(-1) })
    assert.equal(last.Error, undefined)
    const page = await (await fetch(`${net.su}/${process_}?process-id=${process_}&limit=10000`)).json()
    const nonces = page.edges.map(({ node }) => Number(node.assignment.tags.find(({ name }) => name === 'Nonce').value))
    assert.deepEqual(nonces, nonces.map((_, i) => i))
  }
  assert.deepEqual(await net.stop(), { code: 0, signal: null })
})

test('a push that was under way when the node was killed goes on', async () => {
  const home = await newHome()
  let net = await Network.start({ home })
  const { port } = net
  const module = await net.publish(aos64)
  const [a, b] = await Promise.all([net.spawn(module), net.spawn(module)])
  const play = `Hits = 0; Handlers.add("Ball", "Ball", function (msg)
    Hits = Hits + 1
    local n = tonumber(msg.Count)
    if n < 120 then Send({ Target = msg.From, Action = "Ball", Count = tostring(n + 1) }) end end)`
  await Promise.all([net.eval(a, play), net.eval(b, play)])
  await net.eval(a, `Send({ Target = "${b}", Action = "Ball", Count = "1" })`)
  const hits = async (process_) => Number((await net.eval(process_, 'return Hits')).Output.data)
  await net.until(() => hits(b), (count) => count >= 5)
  net.child.kill('SIGKILL')
  await net.exited
  net = await Network.start({ home, port })
  await net.until(async () => (await hits(a)) + (await hits(b)), (count) => count === 120)
  assert.deepEqual([await hits(a), await hits(b)], [60, 60], 'none lost, none twice')
  await net.stop()
})

test('a port in use is named, and the home is free again', async () => {
  const home = await newHome()
  const port = await freePorts()
  for (const place of [0, 1, 2, 3, 4]) {
    const other = createServer().listen(port + place, '127.0.0.1')
    await once(other, 'listening')
    const { code, stdout, stderr } = await run(['up', '--home', home, '--port', String(port)])
    other.close()
    assert.equal(code, 7, stderr)
    assert.equal(stdout, '')
    assert.match(stderr, new RegExp(`^weft: .*port ${port + place}: Address already in use\n +.*--port`))
  }
  const net = await Network.start({ home, port })
  assert.deepEqual(await net.stop(), { code: 0, signal: null })
})

test('a home in use, or of no use, is named', async () => {
  const home = await newHome()
  const net = await Network.start({ home })
  const { code, stderr } = await run(['up', '--home', home, '--port', String(await freePorts())])
  assert.equal(code, 6, stderr)
  assert.match(stderr, new RegExp(`in use by process ${net.child.pid}\n +.*--home DIR`))
  await net.stop()
  const unwritable = await run(['up', '--home', '/dev/null/weft'])
  assert.equal(unwritable.code, 7)
  assert.match(unwritable.stderr, /\/dev\/null\/weft.*\n.*--home DIR/)
  await writeFile(join(home, 'key.json'), '{"kty":"none"}')
  const key = await run(['up', '--home', home])
  assert.equal(key.code, 2)
  assert.match(key.stderr, /key\.json/)
})

test('settings: one that is misspelt stops the start, a later source wins', async () => {
  const home = await newHome()
  const file = join(home, 'weft.conf')
  await writeFile(file, '# mine\nprot = 5000\n')
  let result = await run(['up', '--home', home])
  assert.equal(result.code, 2)
  assert.match(result.stderr, /weft\.conf:2: there is no key 'prot'\n +did you mean 'port'\?/)
  result = await run(['up', '--home', home, '--config', join(home, 'none.conf')])
  assert.equal(result.code, 3)
  await writeFile(file, 'port = 5000\nmemory-max = 512MiB\nlive-max = 3\n')
  const explained = JSON.parse((await run(['config', '--home', home, '--json', '--live-max', '5'],
    { WEFT_MEMORY_MAX: '256MiB' })).stdout)
  assert.deepEqual(explained.port, { value: '5000', from: `${file}:1` })
  assert.deepEqual(explained['memory-max'], { value: '256MiB', from: 'WEFT_MEMORY_MAX' })
  assert.deepEqual(explained['live-max'], { value: '5', from: '--live-max' })
  assert.deepEqual(explained.listen, { value: '127.0.0.1', from: 'default' })
  assert.equal((await run(['up', '--home', home, '--port', '65533'])).code, 2)
  const sample = (await run(['config', '--sample'])).stdout
  await writeFile(file, sample.replace(/^# (?=[a-z-]+ =)/gm, ''))
  assert.equal((await run(['config', '--home', home])).code, 0, 'the sample, with its comments taken away, is a file')
})

test('memory-max of the configuration reaches the unit', async () => {
  const net = await Network.start({ args: ['--memory-max', '1MiB'] })
  const process_ = await net.spawn(await net.publish(aos64)).catch((error) => error)
  const said = process_ instanceof Error ? process_ : await net.ao.result({ process: process_, message: process_ }).catch((error) => error)
  assert.match(JSON.stringify(said.message ?? said), /memory|Memory/)
  await net.clean()
})

test('the module that the network begins with may be run under its own limits', async () => {
  const home = await newHome()
  const modules = []
  for (const args of [[], ['--gas-max', '20000000000', '--memory-max', '128MiB'], [], []]) {
    const net = await Network.start({ home, args: ['--json', ...args] })
    const { module } = JSON.parse(net.output)
    modules.push(module)
    const found = await fetch(`${net.gateway}/graphql`, {
      method: 'POST', headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ query: '{ transactions(first: 1, tags: [{ name: "Type", values: ["Module"] }]) { edges { node { id } } } }' })
    })
    assert.equal((await found.json()).data.transactions.edges[0].node.id, module, 'it is the newest')
    const process_ = await net.spawn(module)
    assert.equal((await net.eval(process_, 'return 6 * 7')).Output.data, '42')
    await net.stop()
  }
  assert.equal(new Set(modules).size, 3)
  assert.equal(modules[2], modules[3], 'published once')
})

test('a loop without end in the aos of the network ends soon, as an error', async () => {
  const limits = []
  for (const args of [[], ['--compute-limit', '5000000000']]) {
    const net = await Network.start({ args: ['--json', ...args] })
    const { module } = JSON.parse(net.output)
    const { tags } = await (await fetch(`${net.gateway}/tx/${module}`)).json()
    const text = (base64) => Buffer.from(base64, 'base64url').toString()
    limits.push(text(tags.find(({ name }) => text(name) === 'Compute-Limit').value))
    if (args.length) {
      const process_ = await net.spawn(module)
      assert.equal((await net.eval(process_, 'while true do end')).Error, 'Error: out of gas!')
      assert.equal((await net.eval(process_, 'return 6 * 7')).Output.data, '42')
    }
    await net.clean()
  }
  assert.deepEqual(limits, ['300000000000', '5000000000'])
})

// A unit as a program of its own; `ready` is what it says then.
function unit(name, home, args) {
  const child = spawn(weft, [name, '--home', home, ...args], { stdio: ['ignore', 'pipe', 'inherit'], env: { PATH: process.env.PATH } })
  child.exited = once(child, 'exit')
  child.ready = Promise.race([once(child.stdout.setEncoding('utf8'), 'data'), child.exited.then(() => ['it ended'])])
  return child
}

test('a unit whose gateway is away stops at once', async () => {
  for (const name of ['su', 'cu', 'mu']) {
    const port = String(await freePorts())
    const child = unit(name, await newHome(), ['--port', port, '--gateway', 'http://127.0.0.1:9'])
    const begin = Date.now()
    assert.match((await child.ready)[0], /ready/, name)
    assert.ok(Date.now() - begin < 4000, `${name} was ready after ${Date.now() - begin} ms`)
    const asked = fetch(`http://127.0.0.1:${port}/${name === 'cu' ? 'result/' : ''}${'A'.repeat(43)}?process-id=${'E'.repeat(43)}`)
      .then(({ status }) => status, () => 0)
    await new Promise((done) => setTimeout(done, 1500))
    const stop = Date.now()
    child.kill('SIGTERM')
    assert.deepEqual(await child.exited, [0, null])
    assert.ok(Date.now() - stop < 1000, `${name} took ${Date.now() - stop} ms to stop`)
    await asked
  }
})

test('a scheduler that begins before its weave goes on when that is there', async () => {
  const first = await freePorts()
  const [gateway, uploader, su] = [0, 1, 3].map((i) => `http://127.0.0.1:${first + i}`)
  const scheduling = unit('su', await newHome(), ['--port', String(first + 3), '--gateway', gateway, '--uploader', uploader])
  assert.match((await scheduling.ready)[0], /ready/)
  const { status, headers } = await fetch(`${su}/timestamp`)
  assert.deepEqual([status, headers.get('retry-after')], [503, '1'])
  assert.equal((await fetch(`${su}/processes/${'A'.repeat(43)}`)).status, 400, 'what it has is answered')
  const { address } = await (await fetch(su)).json()
  const weave = unit('weave', await newHome(), ['--port', String(first)])
  assert.match((await weave.ready)[0], /ready/)
  const net = Object.assign(new Network(), { gateway })
  await net.until(() => fetch(`${su}/timestamp`), (answer) => answer.status === 200)
  await net.until(() => locations(net, address), (urls) => urls[0] === su)
  for (const child of [scheduling, weave]) {
    child.kill('SIGINT')
    assert.deepEqual(await child.exited, [0, null])
  }
})

test('what is ready is said in one line, as JSON for who asks, and in the topology', async () => {
  const home = await newHome()
  const net = await Network.start({ home, args: ['--json'] })
  const said = JSON.parse(net.output)
  assert.equal(said.ready, true)
  assert.equal(said.su, net.su)
  assert.equal(said.address, net.address)
  const module = await fetch(`${net.gateway}/${said.module}`)
  assert.equal(module.headers.get('content-type'), 'application/wasm')
  await net.stop()
  const { stdout } = await run(['up', '--topology'])
  for (const part of ['weave', 'su', 'location', 'locate', 'cu', 'mu']) assert.match(stdout, new RegExp(`^ +\\d {2}${part} .*o`, 'm'))
})

test('an idle network is small, and the units carry no LLVM', async () => {
  const net = await Network.start()
  const status = await readFile(`/proc/${net.child.pid}/status`, 'utf8')
  const resident = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)[1])
  if (!process.env.WEFT_SANITIZED) assert.ok(resident < 64 * 1024, `${resident} kB resident`)
  const maps = await readFile(`/proc/${net.child.pid}/maps`, 'utf8')
  assert.doesNotMatch(maps, /LLVM/)
  await net.clean()
})

test('four units as programs of their own form a network, over which a message goes round', async () => {
  const root = await newHome()
  const port = await freePorts()
  const [gateway, uploader, mu, su, cu] = [0, 1, 2, 3, 4].map((i) => `http://127.0.0.1:${port + i}`)
  const key = join(root, 'key.json')
  assert.equal((await run(['wallet', 'new', '--type', 'ed25519', '--out', key])).code, 0)
  const children = []
  const start = async (unit, at, ...more) => {
    await mkdir(join(root, unit), { recursive: true })
    const child = spawn(weft, [unit, '--home', join(root, unit), '--port', String(port + at), '--key', key, ...more],
      { stdio: ['ignore', 'pipe', 'inherit'], env: { PATH: process.env.PATH } })
    child.exited = once(child, 'exit')
    children.push(child)
    const [text] = await Promise.race([once(child.stdout.setEncoding('utf8'), 'data'), child.exited.then(() => ['it ended'])])
    assert.match(text, /ready/)
    return child
  }
  const elsewhere = ['--gateway', gateway, '--uploader', uploader]
  try {
    await start('weave', 0)
    await start('su', 3, ...elsewhere)
    const computing = await start('cu', 4, ...elsewhere, '--su', su)
    await start('mu', 2, ...elsewhere, '--cu', cu) // which finds the SU by its Scheduler-Location
    const net = Object.assign(new Network(), { gateway, uploader, mu, su, cu, address: (await (await fetch(su)).json()).address,
      ao: connect({ MODE: 'legacy', GATEWAY_URL: gateway, GRAPHQL_URL: `${gateway}/graphql`, MU_URL: mu, CU_URL: cu }),
      signer: createDataItemSigner(wallet()) })
    const module = await net.publish(aos64)
    const [a, b] = [await net.spawn(module), await net.spawn(module)]
    // The MU has no home scheduler: it can place a process once the SU has brought it to the weave.
    for (const process_ of [a, b]) await net.until(() => fetch(`${gateway}/tx/${process_}`), (answer) => answer.status === 200)
    await net.eval(b, 'Handlers.add("Ask", "Ask", function (msg) Send({ Target = msg.From, Action = "Answer", Data = msg.Data .. "!" }) end)')
    await net.eval(a, 'Handlers.add("Answer", "Answer", function (msg) Answer = msg.Data end)')
    await net.eval(a, `Send({ Target = "${b}", Action = "Ask", Data = "round" })`)
    const answer = async () => (await net.eval(a, 'return tostring(Answer)')).Output.data
    assert.equal(await net.until(answer, (text) => text !== 'nil'), 'round!')

    // A unit that goes away and comes back is found again.
    computing.kill('SIGINT')
    assert.deepEqual(await computing.exited, [0, null])
    const late = net.message(a, { Action: 'Eval' }, 'return "still here"')
    await start('cu', 4, ...elsewhere, '--su', su)
    assert.equal((await net.ao.result({ process: a, message: await late })).Output.data, 'still here')
  } finally {
    for (const child of children.reverse()) {
      child.kill('SIGINT')
      const late = setTimeout(() => child.kill('SIGKILL'), 20000)
      const [code, signal] = await child.exited
      clearTimeout(late)
      assert.deepEqual([code, signal], [0, null])
    }
  }
  assert.deepEqual((await readdir(join(root, 'su'))).filter((name) => name === 'key.json'), [], 'the key of --key, not one of its own')
})

test('four units that start at once on one home share its key, and find each other by the one port that was set', async () => {
  const home = await newHome()
  const port = await freePorts()
  const env = { PATH: process.env.PATH, WEFT_HOME: home, WEFT_PORT: String(port) }
  const children = ['mu', 'cu', 'su', 'weave'].map((unit) => {
    const child = spawn(weft, [unit], { stdio: ['ignore', 'pipe', 'inherit'], env })
    child.exited = once(child, 'exit')
    child.ready = Promise.race([once(child.stdout.setEncoding('utf8'), 'data'), child.exited.then(() => ['it ended'])])
    return child
  })
  const cli = async (...args) => {
    const { code, stdout, stderr } = await run(args, env)
    assert.equal(code, 0, `weft ${args.join(' ')}: ${stderr}`)
    return stdout.trim()
  }
  try {
    const addresses = (await Promise.all(children.map((child) => child.ready))).map(([text]) => / address (\S+)\n/.exec(text)?.[1])
    assert.equal(new Set(addresses).size, 1, String(addresses))
    const module = await cli('module', 'publish', aos64.file, '--format', aos64.format)
    const process_ = await cli('spawn', module)
    assert.equal(await cli('eval', process_, 'return 6 * 7'), '42')
  } finally {
    for (const child of children) child.kill('SIGTERM')
    assert.deepEqual(await Promise.all(children.map((child) => child.exited)), children.map(() => [0, null]))
  }
})
