// A process goes on with another module, in a whole network: a token keeps its balances from our aos to our aos with SQLite and
// back, a failing migration changes nothing, a node that is killed in the middle of it goes on, and a compute unit with an
// empty disk comes to the same memory.
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Network, aosOurs, freePorts, weft } from './network.mjs'

const here = new URL('.', import.meta.url).pathname
const build = process.env.WEFT_BUILD ?? join(here, '../../build')
const sqlite = join(build, 'modules/aos/aos-sqlite.wasm')
const aos64 = join(build, 'modules/aos/aos64.wasm')
const NOBODY = 'A'.repeat(43)

let net, home, first, second, token

function cli(args, { input } = {}) {
  return new Promise((done) => {
    const child = execFile(weft, args, {
      env: { PATH: process.env.PATH, WEFT_HOME: home, WEFT_PORT: String(net.port), NO_COLOR: '1' }, maxBuffer: 64 << 20
    }, (error, stdout, stderr) => done({ code: error ? error.code : 0, stdout, stderr }))
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}

async function good(args, options) {
  const { code, stdout, stderr } = await cli(args, options)
  assert.equal(code, 0, `weft ${args.join(' ')}: ${code} ${stdout} ${stderr}`)
  return stdout.trim()
}

async function bad(code, pattern, args, options) {
  const result = await cli(args, options)
  assert.equal(result.code, code, `weft ${args.join(' ')}: ${JSON.stringify(result)}`)
  assert.match(result.stdout + result.stderr, pattern)
}

const publish = (file, ...more) => good(['module', 'publish', file, '--format', aosOurs.format, ...more])
const evaluate = (code, process_ = token) => good(['eval', process_, code])

async function stateHash(process_ = token, cu = net.cu) {
  const response = await fetch(`${cu}/state/${process_}`)
  assert.equal(response.status, 200)
  return createHash('sha256').update(Buffer.from(await response.arrayBuffer())).digest('hex')
}

// `weft up` as it is told to be, again, in the same home.
async function restart(args = []) {
  net = await Network.start({ home: net.home, port: net.port, args })
}

before(async () => {
  home = await mkdtemp(join(tmpdir(), 'weft-migrate-'))
  net = await Network.start({ home: join(home, 'node'), args: ['--block-ms', '50'] })
  await good(['wallet', 'new', '--type', 'ed25519'])
  first = await publish(aosOurs.file)
  second = await publish(sqlite)
  token = await good(['spawn', first, '--tag', 'Name=token'])
  await good(['eval', token, `@${join(here, 'token.lua')}`])
  await evaluate("Balances = { alice = 100 } Name = 'coin'")
}, { timeout: 120000 })

after(async () => {
  await net?.stop()
  await rm(home, { recursive: true, force: true })
})

test('a token keeps its balances and its handlers in a module that can do more', { timeout: 120000 }, async () => {
  assert.equal(await evaluate('return tostring(pcall(require, "lsqlite3"))'), 'false')
  const said = await good(['upgrade', token, second])
  assert.match(said, /Took over the state of aos 2\.0\.4/)
  assert.match(said, new RegExp(`from now on ${token} runs on the module ${second}`))
  await good(['send', token, '--action', 'Give', '--tag', 'Payer=alice', '--tag', 'Recipient=bob', '--tag', 'Quantity=30'])
  assert.equal(await evaluate('return Balances.alice .. " " .. Balances.bob .. " " .. Name .. " " .. ao.env.Module.Id'),
    `70 30 coin ${second}`)
  assert.match(await evaluate(`local db = require('lsqlite3').open_memory()
    for row in db:nrows('SELECT 40 + 2 AS n') do return row.n end`), /42/)
})

test('the result says so, and a dry run changes nothing', { timeout: 60000 }, async () => {
  const before_ = await stateHash()
  assert.match(await good(['dry-run', token, '--as-me', '--action', 'Migrate.Module']), /ready to move/)
  assert.equal(await stateHash(), before_)
  const result = JSON.parse(await good(['upgrade', token, second, '--json']))
  assert.equal(result.Module, second)
  assert.ok(result.GasUsed > 0)
})

test('what fails changes nothing and says why', { timeout: 120000 }, async () => {
  await bad(3, /has no module A{43}/, ['upgrade', token, NOBODY])
  await bad(2, /is not a module: its Type tag is/, ['upgrade', token, await good(['send', token, '--action', 'X', '--no-wait'])])
  await bad(2, /a module's id has|not an id|43/, ['upgrade', token, 'nonsense'])
  await evaluate("Migrate = { import = function () error('the process refuses') end }")
  const before_ = await stateHash()
  await bad(1, new RegExp(`migration to the module ${first} has failed: .*the process refuses.*goes on with the module ${second}`, 's'),
    ['upgrade', token, first])
  assert.equal(await stateHash(), before_)
  await writeFile(join(home, 'broken.wasm'), Buffer.from('\0asm\x01\0\0\0\x99', 'latin1'))
  await bad(1, /has failed: it cannot be used/, ['upgrade', token, await publish(join(home, 'broken.wasm'))])
  assert.equal(await stateHash(), before_)
  assert.equal(await evaluate('Migrate = nil return Balances.alice'), '70')
})

test('a process of the 64-bit module lives, and functions do not move between 32 and 64 bits', { timeout: 60000 }, async (t) => {
  if (!existsSync(aos64)) return t.skip('aos64.wasm is not built (tools/setup brings its sources)')
  const module = await good(['module', 'publish', aos64, '--format', 'wasm64-unknown-emscripten-draft_2024_02_15'])
  const wide = await good(['spawn', module, '--tag', 'Name=wide'])
  assert.equal(await evaluate("Count = (Count or 0) + 1 return Count .. Name", wide), '1wide')
  const before_ = await stateHash()
  await bad(1, /has failed: it does not take the state over: a function cannot be taken over: .*size/, ['upgrade', token, module])
  assert.equal(await stateHash(), before_)
  // Without functions of its own, a process can.
  assert.match(await good(['upgrade', wide, second]), /Took over the state/)
  assert.equal(await evaluate("return Count .. Name", wide), '1wide')
})

test('strangers, and modules that know nothing of it, are told', { timeout: 60000 }, async () => {
  const strange = await net.send(token, { Action: 'Migrate.Module', Module: first }, ' ') // the wallet of network.mjs
  assert.equal(strange.Error, undefined)
  assert.equal(strange.Module, undefined)
  const others = await net.spawn(first)
  await bad(2, /nothing has changed: the process .* took the message like any other\n.*only its owner may/, ['upgrade', others, second])
  assert.equal(await evaluate('return ao.env.Module.Id'), second)
})

test('the console upgrades too, by default to the aos of the network', { timeout: 60000 }, async () => {
  const said = await good(['console', token], { input: '.upgrade\nreturn Balances.alice\n' })
  assert.match(said, /Took over the state[^]*70$/)
  assert.notEqual(await evaluate('return ao.env.Module.Id'), second)
  await good(['console', token], { input: `.update ${second}\n` })
  assert.equal(await evaluate('return ao.env.Module.Id'), second)
  await bad(3, /has no module/, ['console', token], { input: `.upgrade ${NOBODY}\n` })
})

test('a node killed in the middle goes on, and an empty disk comes to the same', { timeout: 240000 }, async () => {
  for (let i = 0; i < 4; i++) {
    const to = i % 2 ? second : first
    const message = await net.ao.message({ // known to the scheduler, and perhaps not evaluated when the node dies
      process: token, signer: net.signer, tags: [{ name: 'Action', value: 'Give' }, { name: 'Payer', value: 'alice' }, { name: 'Recipient', value: 'bob' },
        { name: 'Quantity', value: '1' }]
    })
    const asked = cli(['upgrade', token, to])
    await new Promise((done) => setTimeout(done, 60 * i))
    await net.stop('SIGKILL')
    const answer = await asked
    await restart(['--block-ms', '50'])
    assert.ok((await net.ao.result({ process: token, message })).Error === undefined)
    if (answer.code !== 0) await good(['upgrade', token, to]) // it may have been too early for the message
    assert.equal(await evaluate('return ao.env.Module.Id'), to)
  }
  assert.equal(await evaluate('return Balances.alice + Balances.bob'), '100')
  const hash = await stateHash()
  await net.stop()
  await rm(join(net.home, 'cu'), { recursive: true })
  await restart(['--block-ms', '50'])
  assert.equal(await stateHash(), hash)
  await net.stop()
  await restart(['--block-ms', '50']) // from the checkpoint that it left
  assert.equal(await stateHash(), hash)
  assert.equal(await evaluate('return ao.env.Module.Id'), second)
})
