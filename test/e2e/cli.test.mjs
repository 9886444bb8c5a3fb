// The command line as people and scripts use it: every command with right and wrong input, what it prints, how it ends.
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Network, aos64, weft } from './network.mjs'

const ID = /^[A-Za-z0-9_-]{43}$/
const NOBODY = 'A'.repeat(43)

let net, home, module, process_

// Runs weft; stdin is `input`. Never throws: how it ended is what is tested.
function cli(args, { env = {}, input } = {}) {
  return new Promise((done) => {
    const child = execFile(weft, args, {
      env: { PATH: process.env.PATH, WEFT_HOME: home, WEFT_PORT: String(net?.port ?? 1), ...env },
      maxBuffer: 64 << 20
    }, (error, stdout, stderr) => done({ code: error ? error.code : 0, stdout, stderr }))
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}

async function good(...args) {
  const { code, stdout, stderr } = await cli(args)
  assert.equal(code, 0, `weft ${args.join(' ')}: ${code} ${stderr}`)
  return stdout
}

async function bad(code, pattern, args, options) {
  const result = await cli(args, options)
  assert.equal(result.code, code, `weft ${args.join(' ')}: ${JSON.stringify(result)}`)
  assert.match(result.stderr, pattern)
  return result
}

before(async () => {
  home = await mkdtemp(join(tmpdir(), 'weft-cli-'))
  net = await Network.start()
  await good('wallet', 'new', '--type', 'ed25519')
  module = (await good('module', 'publish', aos64.file, '--format', aos64.format)).trim()
  process_ = (await good('spawn', module, '--tag', 'Name=cli')).trim()
}, { timeout: 120000 })

after(async () => {
  await net?.clean()
  await rm(home, { recursive: true, force: true })
})

test('help, version, manual and completion come from the table', async () => {
  const help = await good('--help')
  for (const command of ['up', 'weave', 'su', 'cu', 'mu', 'config', 'spawn', 'eval', 'send', 'dry-run', 'result', 'results',
    'module publish', 'wallet new', 'wallet address', 'info', 'console', 'upgrade']) {
    assert.match(help, new RegExp(`^  ${command} `, 'm'), command)
    const own = await good(...command.split(' '), '--help')
    assert.match(own, new RegExp(`^usage: weft ${command}`))
    assert.equal(own, await good('help', ...command.split(' ')))
    assert.ok(Math.max(...own.split('\n').map((line) => line.length)) <= 100, command)
  }
  assert.match(await good('--version'), /^weft \d+\.\d+\.\d+\n$/)
  const man = await good('help', '--man')
  assert.match(man, /^\.TH WEFT 1/)
  for (const part of ['spawn', 'module publish', 'CONFIGURATION', 'memory\\-max', 'EXIT STATUS']) assert.ok(man.includes(part), part)
  const checked = await new Promise((done) => {
    const child = execFile('groff', ['-man', '-ww', '-z'], (error, out, said) => done(error?.code === 'ENOENT' ? '' : said))
    child.stdin.on('error', () => {})
    child.stdin.end(man)
  })
  assert.equal(checked, '')
})

test('the completion completes, when bash sources it', async () => {
  const script = `source <("${weft}" help --completion)
    try() { COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); COMPREPLY=(); _weft; echo "\${COMPREPLY[*]}"; }
    try weft s; try weft wallet ""; try weft eval x --no; try weft module publish /etc/hostn; try weft up --h`
  const out = await new Promise((done) => execFile('bash', ['-c', script], (error, stdout) => done(stdout)))
  assert.deepEqual(out.split('\n').slice(0, 3), ['su spawn send', 'new address', '--no-wait'])
  assert.match(out.split('\n')[3], /^\/etc\/hostname/)
  assert.equal(out.split('\n')[4], '--home --help')
})

test('wrong words are named, and the nearest right one', async () => {
  await bad(2, /no command 'evla'\n +did you mean weft eval\?/, ['evla'])
  await bad(2, /weft --help lists them/, ['frobnicate'])
  await bad(2, /weft wallet new[^]*weft wallet address/, ['wallet'])
  await bad(2, /did you mean --action\?/, ['send', process_, '--acton', 'x'])
  await bad(2, /wants PROCESS CODE, and got 1 argument\n/, ['eval', process_])
  await bad(2, /--tag wants NAME=VALUE, not 'x'/, ['send', process_, '--tag', 'x'])
  await bad(2, /--port wants a whole number/, ['info', '--port', 'x'])
  await bad(2, /WEFT_PORT is not a number/, ['info'], { env: { WEFT_PORT: 'x' } })
  assert.equal((await cli([])).code, 2)
  const { stderr } = await bad(2, /E_ARGUMENT/, ['eval', 'x', 'y', '--json'])
  assert.deepEqual(Object.keys(JSON.parse(stderr)).sort(), ['code', 'error'])
})

test('wallets are made, once, for their owner alone', async () => {
  for (const [type, kty] of [['rsa', 'RSA'], ['ed25519', 'OKP'], ['secp256k1', 'EC']]) {
    const file = join(home, `${type}.json`)
    const made = JSON.parse(await good('wallet', 'new', '--type', type, '--out', file, '--json'))
    assert.match(made.address, ID)
    assert.equal(made.file, file)
    assert.equal(/^0x[0-9a-fA-F]{40}$/.test(made.ethereum ?? ''), type === 'secp256k1')
    assert.equal(JSON.parse(await readFile(file)).kty, kty)
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    assert.equal(await good('wallet', 'address', '--wallet', file), `${made.address}\n`)
    await bad(4, /there is a key in .* already/, ['wallet', 'new', '--type', type, '--out', file])
  }
  await bad(2, /rsa, ed25519 or secp256k1, not 'dsa'/, ['wallet', 'new', '--type', 'dsa', '--out', join(home, 'no.json')])
  await bad(3, /weft wallet new --out .*none\.json makes one/, ['wallet', 'address', '--wallet', join(home, 'none.json')])
  await writeFile(join(home, 'junk.json'), '{}')
  await bad(2, /junk\.json: /, ['wallet', 'address', '--wallet', join(home, 'junk.json')])
})

test('the first use makes a wallet that is an Arweave one', async () => {
  const fresh = join(home, 'fresh', 'deep')
  const first = await cli(['wallet', 'address'], { env: { WEFT_HOME: fresh } })
  assert.match(first.stderr, /made a wallet: .*fresh\/deep\/wallet\.json/)
  const second = await cli(['wallet', 'address'], { env: { WEFT_HOME: fresh } })
  assert.equal(second.stdout, first.stdout)
  assert.equal(second.stderr, '')
  assert.equal(JSON.parse(await readFile(join(fresh, 'wallet.json'))).kty, 'RSA')
})

test('module publish puts the file on the weave', async () => {
  assert.match(module, ID)
  const raw = Buffer.from(await (await fetch(`${net.gateway}/raw/${module}`)).arrayBuffer())
  assert.ok(raw.equals(await readFile(aos64.file)))
  const info = JSON.parse(await good('info', module, '--json'))
  const tags = Object.fromEntries(info.tags.map(({ name, value }) => [name, value]))
  assert.equal(tags['Module-Format'], aos64.format)
  assert.equal(tags['Memory-Limit'], '1-gb')
  await bad(2, /--format is missing[^]*wasm64/, ['module', 'publish', aos64.file])
  await bad(3, /cannot open \/nowhere/, ['module', 'publish', '/nowhere', '--format', aos64.format])
  await bad(2, /is not a WebAssembly module/, ['module', 'publish', weft, '--format', aos64.format])
})

test('spawn without a module is of the aos that the node has published', async () => {
  const own = (await good('spawn', '--tag', 'Name=own')).trim()
  assert.equal((await good('eval', own, 'return Name .. 6 * 7')).trim(), 'own42')
  const other = (await cli(['spawn'], { env: { WEFT_MODULE: module } })).stdout.trim()
  assert.match(await good('info', other), new RegExp(`Module: ${module}`), 'WEFT_MODULE is meant by all commands')
})

test('spawn names the scheduler and trusts the MU', async () => {
  assert.match(process_, ID)
  const info = await good('info', process_)
  assert.match(info, new RegExp(`Scheduler: ${net.address}`))
  assert.match(info, new RegExp(`Authority: ${net.address}`))
  const other = JSON.parse(await good('spawn', module, '--tag', `Authority=${NOBODY}`, '--json')).process
  assert.match(await good('info', other), new RegExp(`Authority: ${NOBODY}`))
  await bad(2, /'xyz' is not the id of a module/, ['spawn', 'xyz'])
  const { code, stderr } = await cli(['spawn', NOBODY])
  assert.ok([2, 3].includes(code), `${code} ${stderr}`)
  assert.match(stderr, new RegExp(NOBODY))
})

test('eval prints what the code gives, and fails when it fails', async () => {
  assert.equal(await good('eval', process_, 'return 6 * 7'), '42\n')
  assert.equal(JSON.parse(await good('eval', process_, 'return "a" .. "b"', '--json')).Output.data, 'ab')
  const failed = await cli(['eval', process_, 'error("boom")'])
  assert.equal(failed.code, 1)
  assert.match(failed.stdout, /^error: .*boom\n$/)
  await writeFile(join(home, 'code.lua'), 'return "from a file"')
  assert.equal(await good('eval', process_, `@${join(home, 'code.lua')}`), 'from a file\n')
  assert.equal((await cli(['eval', process_, '-'], { input: 'return "from a pipe"' })).stdout, 'from a pipe\n')
  assert.match((await good('eval', process_, 'return 1', '--no-wait')).trim(), ID)
  const stranger = await cli(['eval', process_, 'return 1', '--wallet', join(home, 'rsa.json')])
  assert.ok(!stranger.stdout.startsWith('1\n'), 'only the owner may')
})

test('a message that computes too much is told its limit, and where it comes from', async () => {
  const LOOP = 'while true do end'
  const own = (await good('spawn', '--tag', 'Compute-Limit=5000000000')).trim()
  const failed = await bad(1, /its Compute-Limit: the process has 5000000000[^]*--tag Compute-Limit=N/, ['eval', own, LOOP])
  assert.match(failed.stdout, /out of gas!/)
  await bad(1, /the process has 5000000000/, ['console', own, '--run', LOOP])
  const small = (await good('module', 'publish', aos64.file, '--format', aos64.format, '--compute-limit', '6000000000')).trim()
  await bad(1, /the module that the process began with has 6000000000/, ['eval', (await good('spawn', small)).trim(), LOOP])
  assert.doesNotMatch((await bad(1, /^$/, ['eval', own, 'error("out of gas!")'])).stdout, /Compute-Limit/)
})

test('send sends tags and data, and shows what comes of it', async () => {
  await good('eval', process_, `Handlers.add("Echo", "Echo", function (msg)
    ao.send({ Target = msg.From, Action = "Echoed", Data = msg.Data .. "/" .. (msg.Tags.Extra or "") }) end)`)
  const shown = await good('send', process_, '--action', 'Echo', '--data', 'hello', '--tag', 'Extra=a=b')
  assert.match(shown, /^-> .*Action Echoed {2}Data hello\/a=b$/m)
  const sent = JSON.parse(await good('send', process_, '--action', 'Echo', '--json'))
  assert.equal(sent.Messages[0].Data, ' /')
  const message = JSON.parse(await good('send', process_, '--action', 'Echo', '--no-wait', '--json')).message
  assert.equal(JSON.parse(await good('result', process_, message, '--json')).Messages[0].Data, ' /')
  assert.match(await good('result', process_, message), /Echoed/)
  await bad(3, new RegExp(NOBODY), ['send', NOBODY])
  await bad(2, /not the id of a process/, ['send', 'nobody'])
  await bad(2, /not the id of a message/, ['result', process_, 'x'])
  await bad(3, /not found/i, ['result', process_, NOBODY])
})

test('dry-run asks and changes nothing', async () => {
  await good('eval', process_, 'N = 0; Handlers.add("Inc", "Inc", function (msg) N = N + 1; ao.send({ Target = msg.From, Data = tostring(N) }) end)')
  for (let i = 0; i < 2; i++) {
    assert.equal(JSON.parse(await good('dry-run', process_, '--action', 'Inc', '--json')).Messages[0].Data, '1')
  }
  const mine = (await good('wallet', 'address')).trim()
  const asMe = JSON.parse(await good('dry-run', process_, '--action', 'Eval', '--data', 'return Owner', '--as-me', '--json'))
  assert.equal(asMe.Output.data, mine)
  await bad(3, new RegExp(NOBODY), ['dry-run', NOBODY])
})

test('results lists them in order, by pages, and follows', async () => {
  const fresh = (await good('spawn', module)).trim()
  for (const word of ['one', 'two', 'three']) await good('eval', fresh, `return "${word}"`)
  const all = (await good('results', fresh, '--json')).trim().split('\n').map((line) => JSON.parse(line))
  assert.deepEqual(all.map(({ node }) => node.Output.data).slice(-3), ['one', 'two', 'three'])
  const after_ = (await good('results', fresh, '--from', all[2].cursor, '--json')).trim().split('\n').map((line) => JSON.parse(line))
  assert.deepEqual(after_.map(({ node }) => node.Output.data), ['three'])
  const newest = JSON.parse(await good('results', fresh, '--newest-first', '--limit', '1', '--json'))
  assert.equal(newest.node.Output.data, 'three')
  assert.match(await good('results', fresh), /^-- 1\none\n-- 2\ntwo\n-- 3\nthree\n$/m)
  assert.match((await cli(['results', fresh, '--limit', '2'])).stderr, /there may be more: --from \S+ goes on/)
  await bad(2, /does not go with/, ['results', fresh, '--follow', '--newest-first'])
  await bad(2, /--limit wants/, ['results', fresh, '--limit', '0'])
  await bad(2, /not the id of a process/, ['results', 'xyz'])

  const child = spawn(weft, ['results', fresh, '--follow', '--limit', '2'],
    { env: { PATH: process.env.PATH, WEFT_HOME: home, WEFT_PORT: String(net.port) } })
  let seen = ''
  child.stdout.setEncoding('utf8').on('data', (text) => { seen += text })
  await net.until(() => seen, (text) => text.includes('three'))
  await good('eval', fresh, 'return "four"')
  await net.until(() => seen, (text) => text.includes('four'))
  child.kill('SIGINT')
  const [code] = await once(child, 'exit')
  assert.equal(code, 0)
  assert.deepEqual(seen.match(/^(one|two|three|four)$/gm), ['one', 'two', 'three', 'four'])
})

test('info says what is there and what is not', async () => {
  const text = await good('info')
  for (const unit of ['weave', 'uploader', 'mu', 'su', 'cu']) assert.match(text, new RegExp(`^${unit} .* up`, 'm'))
  const json = JSON.parse(await good('info', '--json'))
  assert.equal(json.su.says.address, net.address)
  await bad(3, new RegExp(`knows ${NOBODY}`), ['info', NOBODY])
  await bad(2, /is not the id/, ['info', 'x'])
  const down = await bad(8, /5 of 5 units do not answer\n +start a network with: weft up/, ['info', '--port', '1'])
  assert.match(down.stdout, /no answer/)
})

test('without a network every command says so, with exit code 8', async () => {
  for (const args of [['spawn', module], ['eval', process_, '1'], ['send', process_], ['result', process_, process_],
    ['results', process_], ['dry-run', process_], ['info', process_], ['module', 'publish', aos64.file, '--format', 'wasm64-x']]) {
    await bad(8, /weft up/, [...args, '--port', '1'])
  }
})

test('nothing that a process or a peer says steers the terminal', async () => {
  const controls = (text) => text.match(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g)
  const evil = String.raw`return "a\27]0;title\7b\27[2J\127\194\155c\226\128\174d"`
  assert.equal(controls(await good('eval', process_, evil)), null)
  const json = await good('eval', process_, evil, '--json')
  assert.equal(controls(json), null)
  assert.ok(JSON.parse(json).Output.data.includes('\u001b]0;title\u0007b'), 'JSON keeps it, escaped')
  await good('eval', process_, String.raw`Handlers.add("Evil", "Evil", function (msg)
    ao.send({ Target = msg.From, Action = "\27[2J\10-> forged", Data = "x\27[2J\10y" }) end)`)
  const sent = await good('send', process_, '--action', 'Evil')
  assert.equal(controls(sent), null)
  assert.equal(sent.match(/^-> /gm).length, 1)

  const liar = createServer((_, response) => {
    response.writeHead(400, { 'Content-Type': 'application/json' })
    response.end(JSON.stringify({ error: 'no \u001b[2J\u009b\nweft: forged', hint: '\u001b]0;x\u0007' }))
  })
  await once(liar.listen(0, '127.0.0.1'), 'listening')
  try {
    const { stderr } = await bad(2, /the CU refused \(400\)/, ['dry-run', process_, '--cu', `http://127.0.0.1:${liar.address().port}`])
    assert.equal(controls(stderr), null)
    assert.doesNotMatch(stderr, /^weft: forged/m)
  } finally {
    liar.close()
    liar.closeAllConnections()
  }
})

test('an answer that is no JSON is an error of the peer', async () => {
  const liar = createServer((_, response) => response.end('<html>'))
  await once(liar.listen(0, '127.0.0.1'), 'listening')
  try {
    await bad(8, /did not answer in JSON/, ['results', process_, '--cu', `http://127.0.0.1:${liar.address().port}`])
  } finally {
    liar.close()
    liar.closeAllConnections()
  }
})
