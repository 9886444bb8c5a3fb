// A message all the way round, with the client that people use: aoconnect in legacy mode,
// unchanged, against `weft up`, on a real aos module.
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { Network, aos64, wallet } from './network.mjs'
import { ArweaveSigner, createData } from 'arbundles'

let net, module, process

before(async () => {
  net = await Network.start()
  module = await net.publish(aos64)
  process = await net.spawn(module, { tags: [{ name: 'Name', value: 'loop' }] })
}, { timeout: 120000 })

after(() => net?.clean())

test('spawn answers the process id, and its own result can be read', async () => {
  assert.match(process, /^[A-Za-z0-9_-]{43}$/)
  const result = await net.ao.result({ process, message: process })
  assert.equal(result.Error, undefined)
  assert.match(result.Output.prompt, /loop/)
})

test('Eval answers the value of the Lua expression', async () => {
  const result = await net.eval(process, 'return 6 * 7')
  assert.equal(result.Output.data, '42')
  assert.deepEqual(result.Messages, [])
})

test('state stays from message to message', async () => {
  await net.eval(process, 'Counter = 10')
  await net.eval(process, 'Counter = Counter + 5')
  assert.equal((await net.eval(process, 'return Counter')).Output.data, '15')
})

test('an error in Lua is a result that names it, and the process goes on', async () => {
  const result = await net.eval(process, 'error("boom")')
  assert.match(JSON.stringify(result), /boom/)
  assert.equal((await net.eval(process, 'return Counter')).Output.data, '15')
})

test('a dry run answers and changes nothing', async () => {
  await net.eval(process, `
    Handlers.add("Bump", "Bump", function (msg)
      Counter = Counter + 1
      ao.send({ Target = msg.From, Data = tostring(Counter) })
    end)`)
  const first = await net.dryrun(process, { Action: 'Bump' })
  assert.equal(first.Messages[0].Data, '16')
  const second = await net.dryrun(process, { Action: 'Bump' }, 'a different body')
  assert.equal(second.Messages[0].Data, '16')
  assert.equal((await net.eval(process, 'return Counter')).Output.data, '15')
})

test('results page forward by cursor, each once, in order', async () => {
  const paged = await net.spawn(module)
  for (let i = 1; i <= 7; i++) await net.eval(paged, `return "n${i}"`)
  const seen = []
  let from
  for (;;) {
    const page = await net.ao.results({ process: paged, sort: 'ASC', limit: 3, from })
    if (page.edges.length === 0) break
    assert.ok(page.edges.length <= 3)
    for (const edge of page.edges) seen.push(edge.node.Output?.data)
    from = page.edges.at(-1).cursor
  }
  assert.deepEqual(seen.filter((value) => /^n\d$/.test(value)), ['n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7'])
  assert.equal(seen.length, 8) // with the process's own
  const newest = await net.ao.results({ process: paged, sort: 'DESC', limit: 1 })
  assert.equal(newest.edges[0].node.Output.data, 'n7')
})

test('assign gives another process the same message', async () => {
  const other = await net.spawn(module)
  await net.eval(other, 'Seen = {}; ao.addAssignable("all", function () return true end)\n' +
    'Handlers.add("note", function (msg) return msg.Tags.Topic == "shared" end, function (msg) table.insert(Seen, msg.Id) end)')
  const message = await net.message(process, { Action: 'Announce', Topic: 'shared' }, 'hello')
  const assignment = await net.ao.assign({ process: other, message })
  assert.match(assignment, /^[A-Za-z0-9_-]{43}$/)
  assert.notEqual(assignment, message)
  await net.ao.result({ process: other, message: assignment })
  assert.equal((await net.eval(other, 'return Seen[1]')).Output.data, message)
})

test('monitor and unmonitor are accepted', async () => {
  assert.match(await net.ao.monitor({ process, signer: net.signer }), /^[A-Za-z0-9_-]{43}$/)
  assert.match(await net.ao.unmonitor({ process, signer: net.signer }), /^[A-Za-z0-9_-]{43}$/)
})

test('the history of the process is a chain without gaps', async () => {
  const page = await (await fetch(`${net.su}/${process}?process-id=${process}&limit=1000`)).json()
  const tags = page.edges.map(({ node }) => Object.fromEntries(node.assignment.tags.map(({ name, value }) => [name, value])))
  assert.ok(tags.length > 5)
  tags.forEach((tag, i) => assert.equal(tag.Nonce, String(i)))
  const { createHash } = await import('node:crypto')
  for (let i = 1; i < tags.length; i++) {
    assert.ok(BigInt(tags[i].Timestamp) > BigInt(tags[i - 1].Timestamp))
    const link = createHash('sha256')
      .update(Buffer.from(page.edges[i - 1].node.assignment.id, 'base64url'))
      .update(Buffer.from(tags[i - 1]['Hash-Chain'], 'base64url')).digest('base64url')
    assert.equal(tags[i]['Hash-Chain'], link)
  }
})

test('messages and assignments are found on the weave', async () => {
  const message = await net.message(process, { Action: 'Findable' }, 'look for me')
  const find = async () => (await (await fetch(`${net.gateway}/graphql`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      query: `query ($id: String!) { transactions(tags: [{name: "Message", values: [$id]}, {name: "Type", values: ["Assignment"]}]) {
        edges { node { id tags { name value } } } } }`,
      variables: { id: message }
    })
  })).json()).data.transactions.edges
  const edges = await net.until(find, (found) => found.length === 1)
  assert.equal(edges[0].node.tags.find(({ name }) => name === 'Process').value, process)
  const raw = await net.until(async () => (await fetch(`${net.gateway}/raw/${message}`)), (answer) => answer.ok)
  assert.equal(await raw.text(), 'look for me')
})

test('an unknown process is refused with its name', async () => {
  const unknown = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
  await assert.rejects(net.message(unknown, { Action: 'Hi' }), new RegExp(`4\\d\\d.*|${unknown}`))
  const answer = await fetch(`${net.cu}/result/${unknown}?process-id=${unknown}`)
  assert.ok(answer.status >= 400 && answer.status < 500, String(answer.status))
  assert.ok((await answer.json()).error.length > 5)
})

test('a bad signature is refused and leaves no trace', async () => {
  const signer = new ArweaveSigner(wallet())
  const item = createData('x', signer, { target: process, tags: [
    { name: 'Data-Protocol', value: 'ao' }, { name: 'Type', value: 'Message' }, { name: 'Variant', value: 'ao.TN.1' }] })
  await item.sign(signer)
  const raw = Buffer.from(item.getRaw())
  raw[raw.length - 1] ^= 1
  for (const url of [net.mu, net.su]) {
    const answer = await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/octet-stream' }, body: raw })
    assert.ok(answer.status >= 400 && answer.status < 500, `${url} ${answer.status}`)
    assert.ok((await answer.json()).error)
  }
  const id = item.id
  const lookup = await fetch(`${net.su}/${id}?process-id=${process}`)
  assert.ok(lookup.status >= 400)
})

test('a 20 MB body arrives whole', async () => {
  const big = 'x'.repeat(20 * 1024 * 1024)
  const sizer = await net.spawn(module)
  await net.eval(sizer, 'Handlers.add("size", "Size", function (msg) Size = #msg.Data end)')
  const result = await net.send(sizer, { Action: 'Size' }, big)
  assert.equal(result.Error, undefined)
  assert.equal((await net.eval(sizer, 'return Size')).Output.data, String(big.length))
})

test('nonsense gets a 4xx with a JSON error everywhere', async () => {
  const asks = [
    [net.mu, 'POST', '/', 'garbage'], [net.mu, 'POST', '/', ''], [net.mu, 'POST', `/?process-id=${process}`, ''],
    [net.mu, 'POST', '/monitor/xyz', 'garbage'],
    [net.su, 'POST', '/', 'garbage'], [net.su, 'POST', '/?process-id=x&assign=y', ''], [net.su, 'GET', '/nothing?process-id=x'],
    [net.su, 'GET', `/${process}`], [net.su, 'GET', '/processes/xyz'], [net.su, 'GET', `/${process}?process-id=${process}&limit=many`],
    [net.cu, 'GET', '/result/xyz'], [net.cu, 'GET', `/result/xyz?process-id=${process}`], [net.cu, 'GET', '/results/xyz'],
    [net.cu, 'POST', `/dry-run?process-id=${process}`, 'not json'], [net.cu, 'POST', '/dry-run', '{}'], [net.cu, 'GET', '/state/xyz'],
    [net.gateway, 'POST', '/graphql', '{"query":"{ nothing }"}'], [net.gateway, 'POST', '/graphql', '{{{'],
    [net.gateway, 'POST', '/tx', 'garbage'], [net.uploader, 'POST', '/tx', 'garbage']
  ]
  for (const [unit, method, path, body] of asks) {
    const answer = await fetch(unit + path, { method, body: method === 'POST' ? body : undefined,
      headers: { 'Content-Type': path.includes('graphql') || path.includes('dry') ? 'application/json' : 'application/octet-stream' } })
    const text = await answer.text()
    // GraphQL answers errors of a query with 200 or 400, in its own envelope.
    if (!path.includes('graphql')) assert.ok(answer.status >= 400 && answer.status < 500, `${method} ${unit}${path}: ${answer.status} ${text}`)
    const said = JSON.parse(text)
    assert.ok(said.error ?? said.errors, `${method} ${path}: ${text}`)
  }
  assert.equal((await net.eval(process, 'return 1 + 1')).Output.data, '2')
})

test('the same message posted twice is one message', async () => {
  const signer = new ArweaveSigner(wallet())
  const item = createData('Twice = (Twice or 0) + 1', signer, { target: process, tags: [
    { name: 'Data-Protocol', value: 'ao' }, { name: 'Type', value: 'Message' }, { name: 'Variant', value: 'ao.TN.1' },
    { name: 'Action', value: 'Eval' }] })
  await item.sign(signer)
  const post = () => fetch(net.mu, { method: 'POST', headers: { 'Content-Type': 'application/octet-stream' }, body: item.getRaw() })
  assert.equal((await post()).status, 202)
  const again = await post()
  await again.text()
  assert.equal((await net.eval(process, 'return Twice')).Output.data, '1')
})

test('the module file is what the weave gives back', async () => {
  const raw = Buffer.from(await (await fetch(`${net.gateway}/raw/${module}`)).arrayBuffer())
  assert.ok(raw.equals(await readFile(aos64.file)))
})
