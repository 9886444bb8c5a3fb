// The aos of others in a network of ours: the console that npm has, unchanged, at a terminal; and processes of the
// published aos module beside processes of our own, in conversation.
//
// The console is of the first days: it has no flags, asks for its module by AOS_SRC, speaks a dialect that no module of
// today evaluates (first_console.lua teaches it to a process), and has hosts built in (hosts.mjs) and the address of a
// scheduler, for which the network stands in.
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Network, aos64, wallet, weft } from './network.mjs'
import { Terminal } from './terminal.mjs'

const file = (name) => fileURLToPath(new URL(name, import.meta.url))
let net, home, ours, theirs, open = []

before(async () => {
  home = await mkdtemp(join(tmpdir(), 'weft-aos-'))
  await writeFile(join(home, 'wallet.json'), JSON.stringify(wallet()))
  net = await Network.start()
  ours = (await find({ owners: [net.address], tags: [{ name: 'Type', values: ['Module'] }] }))[0]
  theirs = await net.publish(aos64)
}, { timeout: 120000 })

after(async () => {
  for (const terminal of open) await terminal.close()
  await net?.clean()
  await rm(home, { recursive: true, force: true })
})

async function find(variables) {
  const query = 'query ($owners: [String!], $tags: [TagFilter!]) { transactions(owners: $owners, tags: $tags) { edges { node { id } } } }'
  const answer = await fetch(`${net.gateway}/graphql`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ query, variables })
  })
  return (await answer.json()).data.transactions.edges.map(({ node }) => node.id)
}

function console_(args) {
  return new Promise((done, failed) => {
    const child = execFile(weft, ['console', ...args], {
      env: { PATH: process.env.PATH, WEFT_HOME: home, WEFT_PORT: String(net.port) }
    }, (error, stdout, stderr) => error ? failed(new Error(`${stdout}${stderr}`)) : done(stdout))
    child.stdin.end()
  })
}

const value = async (process, code) => (await net.eval(process, `return tostring(${code})`)).Output.data
const shows = (process, code, wanted) => net.until(() => value(process, code), (text) => text === wanted, 20000)

async function good(process, code) {
  const result = await net.eval(process, code)
  assert.equal(result.Error, undefined)
  return result
}

// ---- the console

async function npmConsole() {
  const terminal = await Terminal.open(['node', '--import', file('hosts.mjs'), file('../node_modules/@permaweb/aos/bin/aos.js'), join(home, 'wallet.json')], {
    env: {
      AOS_SRC: ours,
      WEFT_HOSTS: JSON.stringify({
        'arweave.net': net.gateway, 'ao-mu-1.onrender.com': net.mu, 'ao-cu-1.onrender.com': net.cu, 'su-router.ao-testnet.xyz': net.su
      })
    }
  })
  open.push(terminal)
  const screen = await terminal.shows(/^aos>$/m)
  return { terminal, process: screen.match(/aos computer: +([A-Za-z0-9_-]{43})$/m)[1] }
}

test('the console of npm spawns a process, and finds it again', async () => {
  const { terminal, process } = await npmConsole()
  const { tags } = await (await fetch(`${net.su}/processes/${process}`)).json()
  const tag = (name) => tags.find((t) => t.name === name)?.value
  assert.equal(tag('Name'), 'Personal AOS')
  assert.equal(tag('Module'), ours)
  assert.notEqual(tag('Scheduler'), net.address, 'it has a scheduler of its own in mind')
  // A line comes as a message that today's aos does not take for an Eval.
  await terminal.line('return 41 + 1')
  await terminal.shows(/^undefined$/m)
  assert.equal(await value(process, 'Inbox[#Inbox].Tags.Expression'), 'return 41 + 1')
  await terminal.line('.exit')
  assert.equal(await terminal.exitCode(), 0)
  const again = await npmConsole()
  assert.equal(again.process, process)
  await again.terminal.line('.exit')
  assert.equal(await again.terminal.exitCode(), 0)
})

test('the console of npm lives in a process that speaks to it', async () => {
  const [process] = await find({ tags: [{ name: 'Name', values: ['Personal AOS'] }] })
  await console_([process, '--wallet', join(home, 'wallet.json'), '--load', file('first_console.lua')])
  const { terminal, process: found } = await npmConsole()
  assert.equal(found, process)
  const says = async (line, answer) => {
    await terminal.line(line)
    return terminal.shows(new RegExp(`${line.replace(/[^\w ]/g, '\\$&')}\n${answer}\n`, 'm'), 15000)
  }
  await says('return 41 + 1', '42')
  await says('Kept = { a = { 1, 2 } }', 'nil')
  await says('Kept.a[2]', '2')
  assert.equal(await value(process, 'Kept.a[1]'), '1', 'seen by others')
  await says('error("boom")', 'error: .*boom')
  await says('return (', 'error: .*unexpected symbol.*')
  for (const line of ['.editor', 'local sum = 0', 'for i = 1, 10 do sum = sum + i end', 'return sum']) await terminal.line(line)
  await says('.done', '55')
  // What another process sends is in the count of its prompt, next time.
  // It was spawned with no Authority, so its owner has to say whom it trusts.
  await good(process, `table.insert(ao.authorities, "${net.address}")`)
  const other = await net.spawn(theirs)
  const before = Number(await value(process, '#Inbox'))
  await good(other, `Send({ Target = "${process}", Action = "Hello", Data = "from afar" })`)
  await shows(process, '#Inbox', String(before + 1))
  await says('Inbox[#Inbox].Data', 'from afar')
  await terminal.shows(`Personal AOS(${before + 1})> `.trimEnd())
  await terminal.line('.exit')
  assert.equal(await terminal.exitCode(), 0)
})

// The console of today is not in npm, but what it asks of the units is known: it uses aoconnect in legacy mode, a
// scheduler and an authority of the public network unless it is told others, and reads its feed by cursors.
test('what the console of today asks of the units', async () => {
  const process = await net.ao.spawn({
    module: ours, scheduler: '_GQ33BkPtZrqxA84vM8Zk-N2aO0toNNu_C-l-rawrBA', signer: net.signer, data: '1984',
    tags: Object.entries({ 'App-Name': 'aos', Name: 'today', Authority: net.address, 'aos-Version': '2.0.16' })
      .map(([name, value]) => ({ name, value }))
  })
  const connected = await net.eval(process, "require('.process')._version")
  assert.equal(connected.Output.data, '2.0.4', 'the version that it does not offer to update')
  assert.match(connected.Output.prompt, /today/)
  const ordinate = ({ cursor }) => JSON.parse(Buffer.from(cursor, 'base64')).ordinate
  const recent = (await net.ao.results({ process, limit: 5, sort: 'DESC' })).edges
  const newest = recent.sort((a, b) => ordinate(a) - ordinate(b)).at(-1)
  assert.equal(newest.node.Output.data, '2.0.4')
  const other = await net.spawn(theirs)
  await good(other, `Send({ Target = "${process}", Action = "Hello", Data = "from afar" })`)
  const live = await net.until(async () => (await net.ao.results({ process, from: newest.cursor, limit: 1000 })).edges
    .filter(({ node }) => node.Output?.print === true), (edges) => edges.length > 0, 20000)
  assert.match(live[0].node.Output.data, /New Message From .*Hello/)
  assert.ok(ordinate(live[0]) > ordinate(newest))
})

// ---- the module

// A process of one module, and one of the other, which `module` is.
async function couple(direction) {
  const modules = direction === 0 ? [ours, theirs] : [theirs, ours]
  const [first, second] = await Promise.all(modules.map((module) => net.spawn(module)))
  return { first, second, module: modules[1] }
}

for (const direction of [0, 1]) {
  const name = ['ours and theirs', 'theirs and ours'][direction]

  test(`${name}: ask, reply, forward, receive`, async () => {
    const { first, second } = await couple(direction)
    await good(second, `
      Handlers.add("Ask", "Ask", function (msg)
        local which = Send({ Target = msg.From, Action = "Which" }).receive().Data
        msg.reply({ Data = which .. " " .. msg.Data })
      end)
      Handlers.add("Pass", "Pass", function (msg) msg.forward(msg.From, { Action = "Passed" }) end)`)
    await good(first, `
      Handlers.add("Which", "Which", function (msg) msg.reply({ Data = "the deep" }) end)
      Handlers.add("Passed", "Passed", function (msg) Passed = msg.Data .. ":" .. msg["X-Origin"] end)
      Handlers.once("Start", "Start", function ()
        Answer = Send({ Target = "${second}", Action = "Ask", Data = "sea" }).receive().Data
      end)
      Send({ Target = ao.id, Action = "Start" })
      Send({ Target = "${second}", Action = "Pass", Data = "on" })`)
    await shows(first, 'Answer', 'the deep sea')
    await shows(first, 'Passed', `on:${first}`)
  })

  test(`${name}: one spawns the other, which answers`, async () => {
    const { first, module } = await couple(direction)
    await good(first, `
      Handlers.add("Told", "Told", function (msg) Told = msg.Data; ToldBy = msg.From end)
      Handlers.once("Start", "Start", function ()
        Child = Spawn("${module}", { Authority = "${net.address}", Tags = { Name = "child" } }).receive().Process
        Send({ Target = Child, Action = "Eval",
               Data = "Send({ Target = Owner, Action = 'Told', Data = 'module ' .. ao._module })" })
      end)
      Send({ Target = ao.id, Action = "Start" })`)
    await shows(first, 'Told', `module ${module}`)
    assert.equal(await value(first, 'ToldBy'), await value(first, 'Child'))
  })

  test(`${name}: a message is assigned`, async () => {
    const { first, second } = await couple(direction)
    await good(second, `
      ao.addAssignable("news", function (msg) return msg.Action == "News" end)
      Handlers.add("News", "News", function (msg) News = msg.Data .. ":" .. msg.Target end)`)
    const message = await net.message(first, { Action: 'News' }, 'of the day')
    await good(first, `Assign({ Processes = { "${second}" }, Message = "${message}" })`)
    await shows(second, 'News', `of the day:${first}`)
  })

  test(`${name}: a token pays from one to the other`, async () => {
    const { first: holder, second: recipient, module } = await couple(direction)
    const token = await net.spawn(module)
    await good(token, await readFile(file('../../modules/aos/blueprints/token.lua'), 'utf8'))
    await good(token, `Balances["${holder}"] = "1000"`)
    const notice = `Handlers.add("Notice", { Action = "_" }, function (msg)
      if msg.Action:match("Notice$") and msg.From == "${token}" then Notice = msg.Action .. " " .. msg.Quantity .. " " .. (msg.Recipient or msg.Sender) end
    end)`
    await Promise.all([good(holder, notice), good(recipient, notice)])
    await good(holder, `Send({ Target = "${token}", Action = "Transfer", Recipient = "${recipient}", Quantity = "250" })`)
    await shows(holder, 'Notice', `Debit-Notice 250 ${recipient}`)
    await shows(recipient, 'Notice', `Credit-Notice 250 ${holder}`)
    await good(recipient, `
      Handlers.once("Start", "Start", function () Mine = Send({ Target = "${token}", Action = "Balance" }).receive().Balance end)
      Send({ Target = ao.id, Action = "Start" })`)
    await shows(recipient, 'Mine', '250')
  })
}
