// WeaveDrive in a network of ours: processes of the published aos module, and of ours, read items of its weave.
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { ArweaveSigner, createData } from 'arbundles'
import { Network, aos64, aosOurs, wallet } from './network.mjs'

const owner = createHash('sha256').update(Buffer.from(wallet().n, 'base64url')).digest('base64url')
const poem = 'line of the poem\n'.repeat(8000)
let net, modules

before(async () => {
  net = await Network.start()
  modules = [await net.publish(aos64), await net.publish({ ...aosOurs, tags: [['Extension', 'WeaveDrive']] })]
}, { timeout: 120000 })

after(() => net?.clean())

async function put(data, tags = []) {
  const signer = new ArweaveSigner(wallet())
  const item = createData(data, signer, { tags: tags.map(([name, value]) => ({ name, value })) })
  await item.sign(signer)
  const response = await fetch(`${net.uploader}/tx`, {
    method: 'POST', headers: { 'Content-Type': 'application/octet-stream' }, body: item.getRaw()
  })
  assert.ok(response.ok)
  return item.id
}

// A message is told the block that its scheduler knew of, so wait until that is past the item's.
async function mined(id) {
  const height = await net.until(async () => {
    const status = await fetch(`${net.gateway}/tx/${id}/status`)
    return status.status === 200 ? (await status.json()).block_height : null
  }, (found) => found !== null)
  await net.until(async () => (await (await fetch(`${net.gateway}/info`)).json()).height, (now) => now > height)
}

const attest = async (id) => {
  const attestation = await put('.', [['Data-Protocol', 'ao'], ['Type', 'Attestation'], ['Message', id]])
  await mined(attestation)
}

const drive = [{ name: 'Extension', value: 'WeaveDrive' }, { name: 'Attestor', value: owner }]
const reads = async (process) => (await (await fetch(`${net.cu}/reads/${process}`)).json()).edges.map(({ node }) => node)

test('a process reads what is attested, and its unit tells what it read', async () => {
  const id = await put(poem)
  const code = `local f = io.open('/data/${id}') local n = f:seek('end') f:seek('set') Poem = f:read(n) f:close()
    return n .. ' ' .. Poem:sub(-17, -2)`
  const process = await net.spawn(modules[0], { tags: drive })
  const before = await net.eval(process, code)
  assert.equal(before.Error, 'HALT: FILE NOT FOUND')
  await attest(id)
  const result = await net.eval(process, code)
  assert.equal(result.Error, undefined)
  assert.equal(result.Output.data, `${poem.length} line of the poem`)
  const dry = await net.dryrun(process, { Action: 'Eval' }, `return #Poem`)
  assert.equal(dry.Error, undefined)
  assert.deepEqual(await reads(process), [
    { Path: `/data/${id}`, Answer: 'HALT: FILE NOT FOUND' },
    { Path: `/data/${id}`, Answer: 'file', Size: poem.length, 'SHA-256': createHash('sha256').update(poem).digest('hex') }
  ])
})

test('transactions and blocks are what the node says of them', async () => {
  const id = await put('some data', [['Name', 'value']])
  await mined(id)
  const process = await net.spawn(modules[0], { tags: drive })
  const whole = (path) => net.eval(process, `local f = io.open('${path}') local n = f:seek('end') return f:read(n)`)
  const tx = JSON.parse((await whole(`/tx/${id}`)).Output.data)
  const { ownerAddress, ...rest } = tx
  assert.equal(ownerAddress, owner)
  assert.deepEqual(rest, await (await fetch(`${net.gateway}/tx/${id}`)).json())
  const block = JSON.parse((await whole('/block/1')).Output.data)
  assert.deepEqual(block, await (await fetch(`${net.gateway}/block/height/1`)).json())
})

test('processes boot from an item of the weave', async () => {
  const id = await put('Booted = "from the weave"')
  for (const module of modules) {
    const process = await net.spawn(module, { tags: [...drive, { name: 'On-Boot', value: id }] })
    assert.equal((await net.eval(process, 'return Booted')).Output.data, 'from the weave')
    assert.equal((await reads(process))[0].Path, `/data/${id}`)
  }
})

test('a unit that has lost its disk comes to the same', async () => {
  const id = await put(poem)
  await attest(id)
  const process = await net.spawn(modules[0], { tags: drive })
  await net.eval(process, `local f = io.open('/data/${id}') Sum = 0 local s = f:read(1000)
    for i = 1, 1000 do Sum = (Sum * 31 + s:byte(i)) % 1000003 end`)
  const state = async () => createHash('sha256').update(Buffer.from(await (await fetch(`${net.cu}/state/${process}`)).arrayBuffer())).digest('hex')
  const before = await state(), read = await reads(process)
  const { home, port } = net
  await net.stop()
  await rm(join(home, 'cu'), { recursive: true })
  const owns = net.ownsHome
  net = await Network.start({ home, port })
  net.ownsHome = owns
  assert.equal(await state(), before)
  assert.deepEqual(await reads(process), read)
})
