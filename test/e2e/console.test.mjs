// `weft console`: as a person at a terminal sees it, and as a script uses it.
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Network, weft } from './network.mjs'
import { Terminal } from './terminal.mjs'

let net, home, open = []

function environment(env = {}) {
  return { PATH: process.env.PATH, WEFT_HOME: home, WEFT_PORT: String(net.port), ...env }
}

function cli(args, { env, input } = {}) {
  return new Promise((done) => {
    const child = execFile(weft, args, { env: environment(env), maxBuffer: 64 << 20 }, (error, stdout, stderr) =>
      done({ code: error ? error.code : 0, stdout, stderr }))
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}

async function good(args, input) {
  const { code, stdout, stderr } = await cli(args, { input })
  assert.equal(code, 0, `weft ${args.join(' ')}: ${code} ${stdout} ${stderr}`)
  return stdout
}

async function bad(code, pattern, args, options) {
  const result = await cli(args, options)
  assert.equal(result.code, code, `weft ${args.join(' ')}: ${JSON.stringify(result)}`)
  assert.match(result.stdout + result.stderr, pattern)
  return result
}

// A console at a terminal, once its prompt is there.
async function console_(name, { args = [], env, ...size } = {}) {
  const terminal = await Terminal.open([weft, 'console', name, ...args], { env: environment(env), ...size })
  open.push(terminal)
  await terminal.shows(/>$/m)
  return terminal
}

async function idOf(name) {
  return (await good(['console', name, '--run', 'return ao.id'])).trim()
}

before(async () => {
  home = await mkdtemp(join(tmpdir(), 'weft-console-'))
  net = await Network.start()
  await good(['wallet', 'new', '--type', 'ed25519'])
}, { timeout: 120000 })

after(async () => {
  for (const terminal of open) await terminal.close()
  await net?.clean()
  await rm(home, { recursive: true, force: true })
})

test('a name is spawned once and found again', async () => {
  const first = await cli(['console', 'first', '--run', 'return Name .. ":" .. ao.id'])
  assert.equal(first.code, 0, first.stderr)
  const [name, id] = first.stdout.trim().split(':')
  assert.equal(name, 'first')
  assert.match(first.stderr, new RegExp(`spawned ${id}`))
  const again = await cli(['console', 'first', '--run', 'return ao.id'])
  assert.deepEqual(again, { code: 0, stdout: `${id}\n`, stderr: '' })
  assert.equal((await good(['console', id, '--run', 'return ao.id'])).trim(), id)
  // What this machine remembers is not what it is found by.
  await rm(join(home, 'console'), { recursive: true })
  await net.until(() => cli(['console', 'first', '--run', 'return ao.id']), ({ stdout }) => stdout.trim() === id)
})

test('a name that several processes have is asked about, or refused', async () => {
  const [one, two] = [await spawnNamed('twice'), await spawnNamed('twice')]
  await net.until(async () => (await cli(['console', 'twice', '--run', 'return 1'])).stderr, (text) => /2 processes/.test(text))
  const { stderr } = await bad(2, /you have 2 processes named 'twice'\n +say which one by its id; the newest is/, ['console', 'twice', '--run', 'return 1'])
  assert.ok(stderr.includes(one) || stderr.includes(two))
  const terminal = await Terminal.open([weft, 'console', 'twice'], { env: environment() })
  open.push(terminal)
  const screen = await terminal.shows('Which one (1-2')
  assert.ok(screen.includes(one) && screen.includes(two))
  await terminal.line('7')
  await terminal.shows(/Which one[^]*Which one/)
  await terminal.line('2')
  const chosen = screen.match(/ 2 {2}([A-Za-z0-9_-]{43})/)[1]
  await terminal.shows(`process ${chosen}`)
})

async function spawnNamed(name) {
  return (await good(['spawn', '--tag', `Name=${name}`])).trim()
}

test('code from a pipe is evaluated, and the exit code is its own', async () => {
  assert.equal(await good(['console', 'first'], 'return 6 * 7\n'), '42\n')
  assert.equal(await good(['console', 'first'], 'local x = 1\nfunction g() return x + 1 end\nreturn g()'), '2\n')
  assert.equal(await good(['console', 'first'], ''), '')
  const { stdout } = await bad(1, /boom/, ['console', 'first'], { input: 'local x = 1\n\nerror("boom")\n' })
  assert.equal(stdout, 'error: boom\n    3 | error("boom")\n')
  await bad(1, /unexpected symbol/, ['console', 'first', '--run', 'return ('])
  assert.equal(JSON.parse(await good(['console', 'first', '--run', 'return "a"', '--json'])).Output.data, 'a')
  assert.equal(await good(['console', 'first', '--dry-run', '--run', 'Kept = 1 return Kept']), '1\n')
  assert.equal(await good(['console', 'first', '--run', 'return tostring(Kept)']), 'nil\n')
})

test('a script may have commands in it', async () => {
  const out = await good(['console', 'first'], 'x = 1\n.dry x = 2\nreturn x\n.inspect x\nreturn {\n.5 }\n')
  assert.equal(out, '1\n1\n{ 0.5 }\n')
  await bad(2, /no command|wants FILE/, ['console', 'first'], { input: '.load\n' })
  await bad(3, /no blueprint 'tokn'\n +did you mean \.load-blueprint token\?/, ['console', 'first'], { input: '.load-blueprint tokn\n' })
})

const app = () => join(home, 'app')

async function writeApp() {
  await mkdir(join(app(), 'lib'), { recursive: true })
  await writeFile(join(app(), 'main.lua'), 'local greet = require("lib.greet")\nlocal json = require "json"\nreturn json.encode({ greet.hello("you") })\n')
  await writeFile(join(app(), 'lib', 'greet.lua'), 'local words = require "lib.words"\nlocal M = {}\nfunction M.hello(n) return words.hi .. " " .. n end\nfunction M.fail()\n  error("deep")\nend\nreturn M\n')
  await writeFile(join(app(), 'lib', 'words.lua'), 'return { hi = "hello" }\n')
  await writeFile(join(app(), 'bad.lua'), '-- calls what fails\n\nrequire("lib.greet").fail()\n')
}

test('files are loaded with what they require, and errors name the file and its line', async () => {
  await writeApp()
  assert.equal(await good(['console', 'first'], `.load ${join(app(), 'main.lua')}\n`), '["hello you"]\n')
  assert.equal(await good(['console', 'first', '--load', join(app(), 'main.lua'), '--run', 'return require("lib.greet").hello("again")']),
    '["hello you"]\nhello again\n')
  const { stdout } = await bad(1, /deep/, ['console', 'first', '--load', join(app(), 'bad.lua')])
  assert.match(stdout, /^error: deep\n +5 \| {3}error\("deep"\)\n +in .*lib\/greet\.lua\n$/)
  await writeFile(join(app(), 'broken.lua'), 'local x = 1\n\nx = = 2\n')
  assert.match((await bad(1, /unexpected symbol/, ['console', 'first', '--load', join(app(), 'broken.lua')])).stdout,
    /^error: unexpected symbol near '='\n +3 \| x = = 2\n +in .*broken\.lua\n$/)
  await bad(3, /cannot open .*nope\.lua/, ['console', 'first', '--load', join(app(), 'nope.lua')])
  await bad(2, /\.load wants a file of Lua/, ['console', 'first'], { input: '.load x.txt\n' })
})

test('loading again replaces packages and handlers while the process runs', async () => {
  const process_ = await spawnNamed('reloading')
  const main = join(app(), 'hot.lua'), lib = join(app(), 'lib', 'hot.lua')
  const load = () => cli(['console', 'reloading', '--load', main])
  const ask = async () => (await net.dryrun(process_, { Action: 'Hot' }, 'x')).Output.data
  await mkdir(join(app(), 'lib'), { recursive: true })
  await writeFile(main, "local hot = require 'lib.hot'\nHandlers.add('hot', { Action = 'Hot' }, function (m)\n  print('first ' .. hot.answer())\nend)\n")
  await writeFile(lib, 'local M = {}\nfunction M.answer() return 1 end\nfunction M.gone() end\nreturn M\n')
  assert.equal((await load()).code, 0)
  assert.equal(await ask(), 'first 1')
  const handlers = await good(['console', 'reloading', '--run', 'return #Handlers.list'])
  // The package only: the handler of the file that requires it has the new one.
  await writeFile(lib, "local M = {}\nfunction M.answer()\n  return 2\nend\nfunction M.fail()\n  error('on purpose')\nend\nreturn M\n")
  assert.equal((await load()).code, 0)
  assert.equal(await ask(), 'first 2')
  assert.equal(await good(['console', 'reloading', '--run', "return tostring(require('lib.hot').gone)"]), 'nil\n')
  // The handler: in its place, and not twice.
  await writeFile(main, "local hot = require 'lib.hot'\nHandlers.add('hot', { Action = 'Hot' }, function (m)\n  if m.Fail then hot.fail() end\n  print('second ' .. hot.answer())\nend)\n")
  assert.equal((await load()).code, 0)
  assert.equal(await ask(), 'second 2')
  assert.equal(await good(['console', 'reloading', '--run', 'return #Handlers.list']), handlers)
  // What fails while it is loaded leaves everything as it was.
  await writeFile(lib, "package.loaded['lib.hot'].answer = nil error('half way')\n")
  assert.equal((await load()).code, 1)
  assert.equal(await ask(), 'second 2')
  // Later errors name the handler, the file and the line.
  const failed = (await net.dryrun(process_, { Action: 'Hot', Fail: '1' }, 'x')).Error
  assert.match(failed, /handler "hot"\n\tlib\/hot\.lua:6: in [^\n]*\n\t\t6 \| {3}error\('on purpose'\)\n\thot\.lua:3: in /)
  assert.match(failed, / lib\/hot\.lua:6: on purpose$/)
})

test('blueprints are loaded by name', async () => {
  await spawnNamed('coin')
  await good(['console', 'coin'], '.load-blueprint token\n')
  assert.equal(await good(['console', 'coin', '--run', 'return Ticker .. Balances[ao.id]']), 'PNTS10000000000000000\n')
})

test('each unit that cannot be reached is named', async () => {
  const away = 'http://127.0.0.1:1'
  for (const [unit, name] of [['mu', 'MU'], ['cu', 'CU'], ['gateway', 'weave']]) {
    await bad(8, new RegExp(`no answer from the ${name}: http://127\\.0\\.0\\.1:1[^]*weft up`), ['console', 'first', '--run', 'return 1', `--${unit}`, away])
  }
  await bad(8, /no answer from the SU/, ['console', 'never-heard-of', '--run', 'return 1', '--su', away])
  const terminal = await Terminal.open([weft, 'console', 'first', '--cu', away], { env: environment() })
  open.push(terminal)
  assert.equal(await terminal.exitCode(), 8)
  assert.match(await terminal.screen(), /no answer from the CU/)
})

test('at a terminal: lines of code, in colours, over several lines, with a history', async () => {
  const terminal = await console_('person')
  await terminal.line('return 1 + 1')
  await terminal.shows(/\n2\n/)
  await terminal.line('function twice(a)')
  await terminal.line('  return a * 2 -- ü')
  await terminal.line('end')
  await terminal.line('return twice(21)')
  await terminal.shows(/\n42\n/)
  const coloured = await terminal.screen({ colours: true })
  assert.match(coloured, /\x1b\[35mfunction\x1b\[[0-9;]*m twice/)
  assert.match(coloured, /\x1b\[90m-- ü/)
  await terminal.press('C-c')
  await terminal.press('Up', 'Up')
  await terminal.shows(/> function twice\(a\)\n {2}return a \* 2 -- ü\nend$/m)
  await terminal.press('C-c')
  await terminal.press('C-d')
  assert.equal(await terminal.exitCode(), 0)

  const later = await console_('person')
  await later.press('Up')
  await later.shows('> return twice(21)')
  await later.press('Up')
  await later.shows(/> function twice\(a\)\n {2}return a \* 2 -- ü\nend$/m)
  await later.press('Down')
  await later.shows(/> return twice\(21\)$/)
  await later.press('Enter')
  await later.shows(/\n42\n/)
  await later.type('Hand')
  await later.press('Tab')
  await later.type('.gen')
  await later.press('Tab')
  await later.shows('Handlers.generateResolver')
  await later.press('C-c')
  await later.type('.un')
  await later.press('Tab', 'Enter')
  await later.shows(/> \.unmonitor\n/)
  await later.line('.exot')
  await later.shows('did you mean .exit?')
  await later.paste('function pasted()\n  return "tab\there"\nend\n')
  await later.shows(/> function pasted\(\)\n {2}return "tab/)
  await later.press('Enter')
  await later.line('return #pasted()')
  await later.shows(/\n8\n/)
  await later.line('.exit')
  assert.equal(await later.exitCode(), 0)
})

test('a message that comes while one types is shown above, and nothing typed is lost', async () => {
  const terminal = await console_('listener')
  const id = await idOf('listener')
  await terminal.line('Handlers.add("Say", "Say", function (msg) print("somebody says " .. msg.Data) end)')
  await terminal.shows(/Handlers\.add[^]*\n\d+\n/)
  await terminal.line('return (1 +')
  await terminal.type('  41')
  await good(['send', id, '--action', 'Say', '--data', 'good morning'])
  await terminal.shows(/somebody says good morning\n.*> return \(1 \+\n {2}41$/)
  await terminal.line(')')
  await terminal.shows(/\n42\n/)

  await terminal.line('.pause')
  await terminal.shows('kept back until .live')
  await good(['send', id, '--action', 'Say', '--data', 'a secret'])
  await terminal.line('return "after the secret"')
  assert.doesNotMatch(await terminal.shows(/\nafter the secret\n/), /a secret\n/)
  await terminal.line('.live')
  await terminal.shows('somebody says a secret')

  // A handler that fails is news; an error of one's own is shown once.
  await terminal.line('Handlers.add("Bad", "Bad", function () error("handler trouble") end)')
  await good(['send', id, '--action', 'Bad', '--no-wait'])
  await terminal.shows('handler trouble')
  await terminal.line('error("my own")')
  await terminal.shows('error: my own')
  await good(['send', id, '--action', 'Say', '--data', 'the last'])
  const screen = await terminal.shows('somebody says the last')
  assert.equal(screen.match(/error: my own/g).length, 1)
})

test('nothing that a process says steers the terminal', async () => {
  const terminal = await console_('evil')
  await terminal.line(String.raw`function Prompt() return "\27[2J\27]0;x\7evil\n> " end return "a\27[5Ab\r\8c"`)
  const screen = await terminal.shows(/a\[5Abc\n\[2J\]0;xevil >/)
  assert.match(screen, /process /)
})

test('dry runs keep nothing; state and hops can be looked at', async () => {
  const terminal = await console_('looker')
  await terminal.line('.dry')
  await terminal.shows('nothing that you run is kept')
  await terminal.line('Secret = 1 return Secret')
  await terminal.shows(/\n1\n\* looker@/)
  await terminal.line('.dry')
  await terminal.shows('is kept again')
  await terminal.line('return tostring(Secret)')
  await terminal.shows(/\nnil\n/)
  await terminal.line('Config = { name = "x", list = { 1, 2 } }')
  await terminal.line('.inspect')
  await terminal.shows(/Handlers\n {2}_eval[^]*Globals\n {2}Config = \{\n {4}list = \{ 2 entries \}\n {4}name = "x"\n/)
  await terminal.line('.inspect Config.list')
  await terminal.shows(/\n\{\n {2}1\n {2}2\n\}\n/)
  await terminal.line('.inspect Config.nothing.name')
  await terminal.shows(/error: .*nil value.*\n {4}1 \| Config\.nothing\.name\n/)

  const other = await idOf('listener')
  await terminal.line(`Send({ Target = "${other}", Action = "Say", Data = "traced" })`)
  await terminal.shows(/-> /)
  const asked = async () => {
    await terminal.press('C-l')
    await terminal.line('.trace')
    await new Promise((done) => setTimeout(done, 500))
    return terminal.screen()
  }
  const screen = await net.until(asked, (text) => text.includes('says somebody says traced'))
  assert.match(screen, /\* {2}[A-Za-z0-9_-]{43} {2}from a client to this process\n +mu +MESSAGE[^]*su +slot \d+, block \d+, Action Eval\n +cu +sends 1/)
  assert.match(screen, new RegExp(`-> [A-Za-z0-9_-]{43} {2}from this process to ${other}`))
})

test('.editor and .pad', async () => {
  const pad = join(home, 'pad.sh')
  await writeFile(pad, '#!/bin/sh\necho \'return "from the pad"\' >"$1"\n', { mode: 0o755 })
  const terminal = await console_('writer', { env: { EDITOR: pad } })
  await terminal.line('.editor')
  for (const line of ['local x = 1', 'not Lua', '.delete', 'return x + 1', '.done']) await terminal.line(line)
  await terminal.shows(/\n2\n/)
  await terminal.line('.editor')
  for (const line of ['return "dropped"', '.cancel']) await terminal.line(line)
  await terminal.line('.pad')
  assert.doesNotMatch(await terminal.shows(/\nfrom the pad\n/), /\ndropped\n/)
  await terminal.line('.pad')
  await terminal.shows('Nothing was changed')
})

test('a file that is watched is loaded again when it, or what it requires, is saved', async () => {
  await writeApp()
  const main = join(app(), 'main.lua')
  const terminal = await console_('watcher', { args: ['--watch', main] })
  await terminal.shows('["hello you"]')
  await terminal.type('return "typ')
  await writeFile(join(app(), 'lib', 'words.lua'), 'return { hi = "good day" }\n')
  await terminal.shows(/\["good day you"\]\n.*> return "typ$/)
  await terminal.line('ed"')
  await terminal.shows(/\ntyped\n/)
  await writeFile(join(app(), 'new.lua'), 'return "renamed"\n')
  await rename(join(app(), 'new.lua'), main)
  await terminal.shows(/\nrenamed\n/)

  const child = spawn(weft, ['console', 'watcher', '--watch', main], { env: environment(), stdio: ['ignore', 'pipe', 'inherit'] })
  let seen = ''
  child.stdout.setEncoding('utf8').on('data', (text) => { seen += text })
  await net.until(() => seen, (text) => text.includes('renamed'))
  await writeFile(main, 'return "written"\n')
  await net.until(() => seen, (text) => text.includes('written'))
  child.kill('SIGTERM')
  await once(child, 'exit')
})

test('an evaluation that takes too long is left alone with Ctrl-C', async () => {
  const terminal = await console_('slow')
  await terminal.line('local n = 0 for i = 1, 3e9 do n = n + i end return "late"')
  await new Promise((done) => setTimeout(done, 1500))
  await terminal.press('C-c')
  await terminal.shows(/stopped waiting for[^]*weft result [A-Za-z0-9_-]{43}/)
  await terminal.line('.help')
  await terminal.shows('.load-blueprint NAME')
})

test('what is typed ahead waits for its turn, and is shown once', async () => {
  const terminal = await console_('ahead')
  await terminal.line('for i = 1, 2e7 do end return "first"')
  await terminal.line('return "second"')
  const screen = await terminal.shows(/\nsecond\n/)
  assert.match(screen, /> for i = 1, 2e7 do end return "first"\nfirst\n.*> return "second"\nsecond\n/)
})

test('without colours there are none', async () => {
  const terminal = await console_('first', { env: { NO_COLOR: '1' } })
  await terminal.line('return nil, "wrong" -- x')
  await terminal.shows('error: wrong')
  assert.doesNotMatch(await terminal.screen({ colours: true }), /\x1b\[3[0-9]m/)
})

test('a process of somebody else is said to be one', async () => {
  const stranger = join(home, 'stranger.json')
  await good(['wallet', 'new', '--type', 'ed25519', '--out', stranger])
  const terminal = await console_(await idOf('first'), { args: ['--wallet', stranger] })
  await terminal.shows('does not take code from you')
})

test('the history is kept for its owner alone', async () => {
  const path = join(home, 'console', `${await idOf('person')}.history`)
  assert.match(await readFile(path, 'utf8'), /twice/)
  assert.equal((await stat(path)).mode & 0o777, 0o600)
})
