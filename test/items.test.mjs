// Data items, both ways, against npm arbundles: what one makes the other reads and verifies, field by
// field; what is changed after signing, both refuse. Our side is the program test/items (items.c).
//
//   SEED=n repeats a run (but for the RSA key), ITEMS=n changes the number of items of each type (default 1000)
//
// arbundles is laxer than ANS-104 in places; each is named in `lax` below, and there only ours must refuse.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash, createPrivateKey, generateKeyPairSync, sign } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ArweaveSigner, DataItem, EthereumSigner, HexSolanaSigner, InjectedAptosSigner } from 'arbundles'
import { MultiSignatureAptosSigner, SolanaSigner, TypedEthereumSigner, createData } from 'arbundles'

const build = process.env.WEFT_BUILD ?? fileURLToPath(new URL('../build', import.meta.url))
const items = Number(process.env.ITEMS ?? 1000)
const seed = BigInt(process.env.SEED ?? Date.now())
console.log(`SEED=${seed} ITEMS=${items}`)

// ---- chance: splitmix64 ----

let state = seed
function random(below) {
  state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n)
  let z = state
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n)
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn)
  return Number((z ^ (z >> 31n)) % BigInt(below))
}
const pick = (list) => list[random(list.length)]
function bytes(n) {
  const out = Buffer.alloc(n)
  for (let i = 0; i < n; i++) out[i] = random(256)
  return out
}

const letters = ['a', 'Z', '-', '0', ' ', '\n', '\0', 'é', 'ß', '€', '漢', '😀', '\u{10ffff}']
function text(most) {
  let out = ''
  for (let n = random(most + 1); n > 0; n--) out += pick(letters)
  return out
}

function fields() {
  const tags = []
  for (let n = pick([0, 1, 2, 5, 10, 40]); n > 0; n--) tags.push({ name: text(12), value: text(pick([3, 30])) })
  const anchor = Array.from({ length: 32 }, () => String.fromCharCode(33 + random(94))).join('')
  return {
    target: random(10) < 7 ? bytes(32) : Buffer.alloc(0),
    anchor: random(2) ? Buffer.from(anchor) : Buffer.alloc(0),
    tags,
    data: bytes(pick([0, 1, 47, 48, 300, 5000]))
  }
}

// ---- our side ----

const child = spawn(`${build}/test/items`, { stdio: ['pipe', 'pipe', 'inherit'] })
const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
const word = (b) => (b.length ? Buffer.from(b).toString('base64url') : '-')
const unword = (w) => (w === '-' ? Buffer.alloc(0) : Buffer.from(w, 'base64url'))

async function ask(...words) {
  if (!child.stdin.write(words.join(' ') + '\n')) await once(child.stdin, 'drain')
  const { value, done } = await answers.next()
  if (done) throw new Error('test/items has ended')
  return value.split(' ')
}

const key = async (jwk) => assert.equal((await ask('key', word(JSON.stringify(jwk))))[0], 'key')

async function create(type, f) {
  const tags = f.tags.flatMap((t) => [word(Buffer.from(t.name)), word(Buffer.from(t.value))])
  const [kind, item] = await ask('create', type, word(f.target), word(f.anchor), word(f.data), ...tags)
  assert.equal(kind, 'item')
  return unword(item)
}

async function read(raw) {
  const [verdict, id, type, target, anchor, data, count, ...tags] = await ask('verify', word(raw))
  if (verdict !== 'ok') return null
  const pairs = []
  for (let i = 0; i < tags.length; i += 2)
    pairs.push({ name: unword(tags[i]).toString(), value: unword(tags[i + 1]).toString() })
  assert.equal(pairs.length, Number(count))
  return { id, type: Number(type), target: unword(target), anchor: unword(anchor), data: unword(data), tags: pairs }
}

// ---- theirs ----

const theyAccept = async (raw) => {
  try {
    return await DataItem.verify(raw)
  } catch {
    return false
  }
}

function theyRead(raw) {
  const item = new DataItem(raw)
  return { id: item.id, type: item.signatureType, target: item.rawTarget, anchor: item.rawAnchor, data: item.rawData, tags: item.tags }
}

function theyCreate(signer, f) {
  return createData(f.data, signer, {
    target: f.target.length ? f.target.toString('base64url') : undefined,
    anchor: f.anchor.length ? f.anchor.toString() : undefined,
    tags: f.tags
  })
}

function same(got, type, f) {
  assert.equal(got.type, type)
  for (const name of ['target', 'anchor', 'data']) assert.deepEqual(Buffer.from(got[name]), f[name], name)
  assert.deepEqual(got.tags, f.tags)
}

// ---- mutations: each changes what the item says, or who says it ----

const sizes = { 1: [512, 512], 2: [64, 32], 3: [65, 65], 4: [64, 32], 5: [64, 32], 6: [2052, 1025], 7: [65, 42] }

// Where the fields of a sound item lie: [from, to).
function layout(raw) {
  const [signature, owner] = sizes[raw[0]]
  const at = { signature: [2, 2 + signature], owner: [2 + signature, 2 + signature + owner] }
  let end = at.owner[1]
  for (const name of ['target', 'anchor']) {
    at[name] = [end + 1, end + 1 + 32 * raw[end]]
    end = at[name][1]
  }
  at.count = end
  at.tags = [end + 16, end + 16 + Number(raw.readBigUInt64LE(end + 8))]
  at.data = [at.tags[1], raw.length]
  return at
}

function flip(raw, [from, to]) {
  if (from === to) return null
  const out = Buffer.from(raw)
  out[from + random(to - from)] ^= 1 << random(8)
  return out
}

// A signature's bytes that count: not ethereum's recovery byte, and of a multi-signature the first slot that is filled.
function signatureBytes(raw, at) {
  if (raw[0] === 3 || raw[0] === 7) return [at.signature[0], at.signature[0] + 64]
  if (raw[0] !== 6) return at.signature
  const bitmap = raw.readUInt32BE(at.signature[1] - 4)
  const slot = at.signature[0] + 64 * Math.clz32(bitmap)
  return [slot, slot + 64]
}

// Where the names and values of the tags lie.
function texts(raw, at) {
  const out = []
  let pos = at.tags[0]
  const number = () => {
    let n = 0
    for (let shift = 0; ; shift += 7) {
      n |= (raw[pos] & 127) << shift
      if (raw[pos++] < 128) return n >> 1
    }
  }
  for (let left = pos < at.tags[1] ? 2 * number() : 0; left > 0; left--) {
    const length = number()
    out.push([pos, pos + length])
    pos += length
  }
  return out
}

// The end of the last field that is not empty.
function lastWord(raw, at) {
  return ['data', 'tags', 'anchor', 'target', 'owner'].map((name) => at[name]).find(([from, to]) => from < to)[1]
}

const mutations = {
  signature: (raw, at) => flip(raw, signatureBytes(raw, at)),
  owner: (raw, at) => flip(raw, at.owner),
  target: (raw, at) => flip(raw, at.target),
  anchor: (raw, at) => flip(raw, at.anchor),
  tags: (raw, at) => flip(raw, pick([[0, 0], ...texts(raw, at)])),
  data: (raw, at) => flip(raw, at.data),
  longer: (raw) => Buffer.concat([raw, bytes(1 + random(3))]),
  shorter: (raw, at) => {
    // A multi-signature without its bitmap has no signer, which arbundles takes for a good one.
    const least = raw[0] === 6 ? at.signature[1] : 0
    return raw.subarray(0, least + random(lastWord(raw, at) - least))
  },
  cut: (raw, at) => (at.data[0] === at.data[1] ? null : raw.subarray(0, raw.length - 1)),
  type: (raw) => {
    const other = { 2: [4, 5], 4: [2, 5], 5: [2, 4] }[raw[0]]
    if (!other) return null
    const out = Buffer.from(raw)
    out[0] = pick(other)
    return out
  },
  unknown: (raw) => Buffer.concat([Buffer.from([8 + random(200), random(256)]), raw.subarray(2)]),
  count: (raw, at) => {
    const out = Buffer.from(raw)
    if (at.tags[0] === at.tags[1]) return null
    out.writeBigUInt64LE(out.readBigUInt64LE(at.count) + 1n + BigInt(random(1000)), at.count)
    return out
  },
  huge: (raw, at) => {
    const out = Buffer.from(raw)
    out.writeBigUInt64LE(4097n + BigInt(random(1 << 30)), at.count + 8)
    return out
  },
  target_away: (raw, at) => {
    if (at.target[0] === at.target[1]) return null
    return Buffer.concat([raw.subarray(0, at.target[0] - 1), Buffer.from([0]), raw.subarray(at.target[1])])
  },
  target_more: (raw, at) => {
    if (at.target[0] !== at.target[1]) return null
    return Buffer.concat([raw.subarray(0, at.target[0] - 1), Buffer.from([1]), bytes(32), raw.subarray(at.target[1])])
  },
  target_to_anchor: (raw, at) => {
    const target = raw.subarray(...at.target)
    if (!target.length || at.anchor[0] !== at.anchor[1]) return null
    return Buffer.concat([raw.subarray(0, at.target[0] - 1), Buffer.from([0, 1]), target, raw.subarray(at.count)])
  }
}

// Where arbundles takes what ANS-104 does not mean; ours refuses.
const lax = {
  'a flag that is neither 0 nor 1 counts as 0': (raw, at) => {
    if (at.target[0] !== at.target[1]) return null
    const out = Buffer.from(raw)
    out[at.target[0] - 1] = 2 + random(254)
    return out
  },
  'what is missing at the end counts as 0': (raw, at) => {
    const last = lastWord(raw, at)
    return last === raw.length ? null : raw.subarray(0, last + random(raw.length - last))
  },
  // A negative length sends its reader back to where it was, for ever.
  'the numbers of the tags are not checked': (raw, at) => flip(raw, at.tags),
  'a count of 0 hides the tags': (raw, at) => {
    if (at.tags[0] === at.tags[1]) return null
    const out = Buffer.from(raw)
    out.writeBigUInt64LE(0n, at.count)
    return out
  },
  'the recovery byte of an ethereum signature is not looked at': (raw, at) => {
    if (raw[0] !== 3) return null
    const out = Buffer.from(raw), last = at.signature[1] - 1
    out[last] = pick([0, 1, 2, 27, 28, 29, 255].filter((v) => v !== raw[last]))
    return out
  },
  'a multi-signature below its threshold': (raw, at) => {
    if (raw[0] !== 6) return null
    const out = Buffer.from(raw)
    const slot = Math.clz32(out.readUInt32BE(at.signature[1] - 4))
    out.fill(0, at.signature[0] + 64 * slot, at.signature[0] + 64 * slot + 64)
    out[at.signature[1] - 4 + (slot >> 3)] ^= 128 >> (slot & 7)
    return out
  },
  'a slot of a multi-signature that is not filled': (raw, at) => {
    if (raw[0] !== 6) return null
    const out = Buffer.from(raw)
    const empty = Math.clz32(~out.readUInt32BE(at.signature[1] - 4))
    out[at.signature[0] + 64 * empty + random(64)] = 1 + random(255)
    return out
  }
}

// ---- keys: the same on both sides ----

const b64 = (b) => Buffer.from(b).toString('base64url')

// An ed25519 key from its 32 secret bytes (PKCS #8 is this prefix and the bytes).
function ed25519Of(secret) {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), secret])
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const jwk = key.export({ format: 'jwk' })
  return { jwk, point: unword(jwk.x), sign: (message) => sign(null, message, key) }
}

function base58(b) {
  let n = BigInt('0x' + b.toString('hex')), out = ''
  for (; n; n /= 58n) out = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'[Number(n % 58n)] + out
  for (let i = 0; b[i] === 0; i++) out = '1' + out
  return out
}

const rsa = generateKeyPairSync('rsa', { modulusLength: 4096 }).privateKey.export({ format: 'jwk' })
const secret = bytes(32)
const ed25519 = ed25519Of(secret)
const secp256k1 = { kty: 'EC', crv: 'secp256k1', d: b64(secret) }
const solana = base58(Buffer.concat([secret, ed25519.point]))
const wallet = {
  signMessage: async ({ message, nonce }) => ({
    signature: ed25519.sign(Buffer.from(`APTOS\nmessage: ${message}\nnonce: ${nonce}`)).toString('hex')
  })
}

// Five keys of which three sign: in every item another three.
const five = Array.from({ length: 5 }, () => ed25519Of(bytes(32)))
const owners = Buffer.alloc(1025)
five.forEach((k, i) => owners.set(k.point, 32 * i))
owners[1024] = 3
const collect = async (message) => {
  const bitmap = [0, 1, 2, 3, 4]
  while (bitmap.length > 3) bitmap.splice(random(bitmap.length), 1)
  return { bitmap, signatures: bitmap.map((i) => five[i].sign(message)) }
}

const kinds = [
  { type: 1, name: 'arweave', jwk: rsa, signer: new ArweaveSigner(rsa) },
  { type: 2, name: 'ed25519', jwk: ed25519.jwk, signer: new SolanaSigner(solana) },
  { type: 3, name: 'ethereum', jwk: secp256k1, signer: new EthereumSigner(secret.toString('hex')) },
  { type: 4, name: 'solana', jwk: ed25519.jwk, signer: new HexSolanaSigner(solana) },
  { type: 5, name: 'injected aptos', signer: new InjectedAptosSigner(wallet, ed25519.point) },
  { type: 6, name: 'multi aptos', signer: new MultiSignatureAptosSigner(owners, collect) },
  { type: 7, name: 'typed ethereum', signer: new TypedEthereumSigner(secret.toString('hex')) }
]

async function refusedByBoth(raw, i) {
  const names = Object.keys(mutations)
  for (let n = i; ; n++) {
    const name = names[n % names.length]
    const mutated = mutations[name](raw, layout(raw))
    if (!mutated || mutated.equals(raw)) continue
    assert.equal(await read(mutated), null, `we take an item with another ${name}: ${b64(mutated)}`)
    assert.equal(await theyAccept(mutated), false, `they take an item with another ${name}: ${b64(mutated)}`)
    return
  }
}

const id = (raw) => createHash('sha256').update(raw.subarray(...layout(raw).signature)).digest('base64url')

for (const { type, name, jwk, signer } of kinds) {
  const made = []

  test(`type ${type}, ${name}: made by arbundles, read here`, async () => {
    for (let i = 0; i < items; i++) {
      const f = fields()
      const item = theyCreate(signer, f)
      await item.sign(signer)
      const raw = item.getRaw(), got = await read(raw)
      assert.ok(got, `we refuse ${b64(raw)}`)
      same(got, type, f)
      assert.equal(got.id, id(raw))
      made.push(raw)
    }
  })

  if (jwk)
    test(`type ${type}, ${name}: made here, read by arbundles`, async () => {
      await key(jwk)
      for (let i = 0; i < items; i++) {
        const f = fields()
        const raw = await create(type, f)
        assert.ok(await theyAccept(raw), `they refuse ${b64(raw)}`)
        same(theyRead(raw), type, f)
        if (i % 2) made[i] = raw
      }
    })

  test(`type ${type}, ${name}: changed after signing, refused by both`, async () => {
    assert.equal(made.length, items)
    for (const [i, raw] of made.entries()) await refusedByBoth(raw, i)
  })

  test(`type ${type}, ${name}: what only arbundles takes`, async () => {
    for (const raw of made.slice(0, items / 10))
      for (const [what, change] of Object.entries(lax)) {
        const changed = change(raw, layout(raw))
        if (changed) assert.equal(await read(changed), null, `${what}: ${b64(changed)}`)
      }
  })
}

after(async () => {
  child.stdin.end()
  const [code] = await once(child, 'exit')
  assert.equal(code, 0)
})
