// What our module promises beyond the recorded cases: the examples in the text of ref/aos-module.md, the faults of the original that
// it does not have, what it adds, and what strangers may throw at it. With --unit, through a compute unit (unit.mjs), without what
// only the engine alone can be given or shows.
import { createHash } from 'node:crypto'
import { Session, Tally, blueprint, boot, env, evaluate, ids, message, ours, restart } from './session.mjs'
import { UnitSession } from './unit.mjs'

const unit = process.argv.includes('--unit')
const only = process.argv.slice(2).filter(word => word !== '--unit')
const alone = ['the seed', 'hostile messages', 'determinism and size']
const tally = new Tally()
let session = unit ? await UnitSession.open(ours) : new Session(ours)

async function fresh () {
  session.reset()
  restart()
  await session.step(boot(), env)
}

const send = (tags, rest) => session.step(message(tags, rest), env).then(r => r.response)
const run = code => session.step(evaluate(code), env).then(r => r.response)
const data = async code => {
  const r = await run(code)
  return r.Output ? r.Output.data : 'failed: ' + (r.Error ?? r.thrown)
}
const plain = s => String(s).replace(/\x1b\[\d+m/g, '')
const same = (where, got, want) => tally.check(where, got === want, `${JSON.stringify(got)} is not ${JSON.stringify(want)}`)
const match = (where, got, want) => tally.check(where, want.test(String(got)), `${JSON.stringify(got)} does not match ${want}`)

const sections = {
  async 'examples of the text' () {
    await fresh()
    for (const [from, to] of [['data-PROTOCOL', 'Data-Protocol'], ['X_FOO_bar', 'X-Foo-Bar'], ['tickerID', 'Tickerid'], ['a b', 'A b'], ['_a', '-A']]) {
      same('3.1 ' + from, await data(`return Utils.normalize('${from}')`), to)
    }
    same('5.1 a handler is an expression', await data("Handlers.add('x', 'X', print)"), '3')
    same('5.3 the prompt', await data('return Prompt()'), '\u001b[32mbench\u001b[90m@\u001b[34maos-2.0.4\u001b[90m[Inbox:\u001b[31m1\u001b[90m]\u001b[0m> ')
    same('6 the reference may be set', await data("ao.reference = 100 Send({ Target = 'x' }) return ao.reference"), '101')
    const samples = [
      ['{1,"a"}', '{ \u001b[34m1\u001b[0m, \u001b[32m"a"\u001b[0m }'],
      ['{1,true}', '{\n  \u001b[34m1\u001b[0m,\n  \u001b[34mtrue\u001b[0m\n }'],
      ['{{1,2},{3}}', '{\n  { \u001b[34m1\u001b[0m, \u001b[34m2\u001b[0m },\n  { \u001b[34m3\u001b[0m }\n }'],
      ['{a={b={c=1}}}', '{\n   \u001b[31ma\u001b[0m = {\n     \u001b[31mb\u001b[0m = {\n       \u001b[31mc\u001b[0m = \u001b[34m1\u001b[0m\n    }\n  }\n}'],
      ['(function () local t = {} t.self = t return t end)()', '{\n   \u001b[31mself\u001b[0m = <circular reference>\n}']
    ]
    for (const [code, text] of samples) same('10.4 ' + code, await data('return ' + code), text)
    same('10.1 numbers', await data("return require('json').encode({ 2.0, 1e15, 123456789012345, 2^53 })"), '[2,1e+15,1.2345678901234e+14,9.007199254741e+15]')
    same('10.1 null leaves holes', await data("local t = require('json').decode('[1,null,3]') return tostring(t[2]) .. t[3]"), 'nil3')
    same('10.2 url-safe', await data("local b = require('.base64') return b.encode('\\255\\255\\254', b.makeencoder('-', '_', '='))"), '___-')
    same('10.3 bint', await data("return tostring(require('.bint')(256)(10000 * 10^12))"), '10000000000000000')
    same('10.6 chance', await data("local c = require('.chance') c.seed(1234) return c.integer(1, 1000000) .. ' ' .. c.random()"), '191520 0.49766366626136')
    same('9 curry', await data('local f = Utils.curry(function (a, b, c) return a .. b .. c end) return f(1)(2)(3) .. f(1, 2)(3) .. f(1)(2, 3) .. f(1, 2, 3)'), '123123123123')
    same('14.1 quantities', await data("return 'before'"), 'before')
  },

  async 'the seed' () {
    session.reset()
    const seeded = { Process: { Id: 'AOS', Owner: 'FOOBAR', Tags: [{ name: 'Name', value: 'Thomas' }] }, Module: {} }
    const first = { Target: 'AOS', Owner: 'FOOBAR', 'Block-Height': '999', Id: 'AOS', Module: 'WOOPAWOOPA', From: 'FOOBAR', Tags: [{ name: 'Name', value: 'Thomas' }], Timestamp: 1 }
    await session.step(first, seeded)
    const r = await session.step({ ...first, Id: 'x', Tags: [{ name: 'Action', value: 'Eval' }], Data: 'math.random(10)' }, seeded)
    same('11.3 the seed', r.response.Output.data, '2')
  },

  async 'faults that the original has' () {
    await fresh()
    match('print of a function', await data('print(print)'), /^function: /)
    same('tables as errors', (await run('error({ code = 1 })')).Error, '\n\n\u001b[31merror:\n\u001b[0m{ code = 1 }')
    match('nil as an error', (await run('error()')).Error, /error:\n.*nil$/)
    const bad = await send({ 'Content-Type': 'application/json' }, { Data: '{bad' })
    match('JSON that is none is a text', plain(bad.Output.data), /Data = \{bad$/)
    await send({ Id: 'fake', Timestamp: 'never', 'Block-Height': '1', Nonce: '7', 'Hash-Chain': 'x' }, { Data: 'tags' })
    match('tags do not replace what the scheduler says', await data("local m = Inbox[#Inbox] return m.Id .. ' ' .. m.Timestamp .. ' ' .. m.Tags.Id .. ' ' .. m.Tags.Timestamp"), /^m+\d+A \d+ fake never$/)
    const nobody = message({}, { Data: 'd' })
    delete nobody.From
    if (!unit) match('a message from nobody is refused', (await session.step(nobody, env)).response.Output.data, /not trusted! From: nil/)
    same('a bare yield is no failure', await data('coroutine.yield()'), '')
    match('what cannot be encoded is an error', (await run("Send({ Target = 'T', N = 0/0 })")).Error, /unexpected number value/)
    match('a thread cannot be encoded', (await run("Send({ Target = 'T', Data = coroutine.create(print) })")).Error, /unexpected type 'thread'/)
    match('without handle there is an answer', (await run('handle = nil')).Output.data, /^$/)
    match('and it is an error', (await run('return 1')).Error, /attempt to call a nil value/)
    await fresh()
    match('mixed tables keep their list', plain(await data('return { 1, 2, x = 3 }')), /1 = 1,\n {3}2 = 2,\n {3}x = 3/)
    match('odd keys are shown', plain(await data('return { [true] = 1 }')), /true = 1/)
    match('shared tables are no cycles', plain(await data('local x = { q = 1 } return { a = x, b = x }')), /q = 1[^]*q = 1/)
    await run("N = 0 Handlers.add('grow', function (m) return m.Action == 'G' and 'continue' or 'skip' end, function () N = N + 1 Handlers.prepend('p' .. N, 'Never', print) end)")
    await send({ Action: 'G' })
    same('prepending while the list is walked', await data('return N'), '1')
    await run("Prompt = function () error('no') end")
    match('a broken prompt keeps nobody out', (await run('return 1')).Output.prompt, /bench/)
  },

  async 'errors that say where' () {
    await fresh()
    await run("local function deep(m)\n  local x = m.Missing\n  return x.field\nend\nHandlers.add('lookup', 'Look', function (m)\n  return deep(m) .. ''\nend)")
    const error = (await send({ Action: 'Look' })).Error
    match('the handler is named', error, /handler "lookup"/)
    match('the line is shown', error, /\[string "aos"\]:3: in upvalue 'deep'\n\t\t3 \| {3}return x\.field/)
    match('and who called', error, /\[string "aos"\]:6: in [^\n]*\n\t\t6 \| {3}return deep\(m\)/)
    await run("Handlers.add('wait', 'Wait', function (m)\n  local r = Receive({ Action = 'Go' })\n  error('late ' .. r.Data)\nend)")
    await send({ Action: 'Wait' })
    match('after a wait, too', (await send({ Action: 'Go' }, { Data: 'x' })).Error, /handler "wait"[^]*3 \| {3}error\('late '/)
    await run("Handlers.prepend('picky', function (m)\n  return m.Action .. nil\nend, print)")
    match('in patterns', (await send({ Action: 'X' })).Error, /stack traceback:[^]*2 \| {3}return m\.Action \.\. nil/)
  },

  async 'looking at handlers' () {
    await fresh()
    await run("Handlers.add('ping', { Action = 'Ping' }, function (m)\n  m.reply({ Data = 'pong' })\nend, 5)")
    await send({ Action: 'Ping' })
    same('describe', await data("local d = Handlers.describe('ping') return table.concat({ d.name, d.pattern, d.maxRuns, d.runs, d.defined, d.position }, ' ')"), 'ping { Action = "Ping" } 4 1 [string "aos"]:1 3')
    same('describe all', await data("local n = {} for _, d in ipairs(Handlers.describe()) do n[#n + 1] = d.name end return table.concat(n, ' ')"), '_eval _default ping')
    same('source', await data("return Handlers.source('ping')"), "Handlers.add('ping', { Action = 'Ping' }, function (m)\n  m.reply({ Data = 'pong' })\nend, 5)")
    same('explain', await data("local e = Handlers.explain({ Action = 'Ping' }) return #e .. e[1].name .. e[1].result"), '1pingbreak')
    same('explain: nobody', await data("return Handlers.explain({ Action = 'Zzz' })[1].name"), '_default')
    same('nothing ran', await data("return Handlers.describe('ping').runs"), '1')
  },

  async 'the inbox' () {
    await fresh()
    for (let i = 0; i < 5; i++) await send({ Action: i % 2 ? 'Odd' : 'Even' }, { Data: String(i) })
    same('find', await data("local f = require('.inbox').find({ Action = 'Odd' }) return #f .. f[1].Data .. f[2].Data"), '231')
    same('last', await data("return require('.inbox').last({ Action = 'Even' }).Data"), '4')
    same('count', await data("return require('.inbox').count()"), '6')
    same('take', await data("local t = require('.inbox').take({ Action = 'Even' }) return #t .. t[1].Data .. #Inbox"), '303')
    same('limit', await data("require('.inbox').limit(2) return #Inbox .. Inbox[2].Data"), '23')
    await send({ Action: 'New' }, { Data: 'new' })
    same('stays bounded', await data('return #Inbox .. Inbox[2].Data'), '2new')
  },

  async 'looking at state' () {
    await fresh()
    await run("Balances = { alice = 5, bob = { deep = { deeper = { deepest = 1 } } } } function Helper() end Big = ('x'):rep(1000) setmetatable(Balances, { __index = function () error('touched') end })")
    const seen = JSON.parse(await data("return require('json').encode(require('.inspect').globals())"))
    same('globals', seen.map(g => g.name + ':' + g.type).join(' '), 'Balances:table Big:string Helper:function')
    same('get', await data("return require('.inspect').get('Balances.alice')"), '5')
    match('get stops', await data("return require('json').encode(require('.inspect').get('Balances', 2))"), /"deep":"table of 1"/)
    match('overview', await data("return require('json').encode(require('.inspect').overview())"), /"handlers":2/)
  },

  async 'new code in place of old' () {
    await fresh()
    await run("package.loaded.greet = { hello = function () return 'one' end, gone = true } Mine = require('greet')")
    same('package', await data("require('.reload').package('greet', [[local M = {} function M.hello() return 'two' end return M]]) return Mine.hello() .. tostring(Mine.gone)"), 'twonil')
    match('a package that does not compile', (await run("require('.reload').package('greet', 'return (')")).Error, /\[string "greet"\]:1: unexpected symbol/)
    match('a package that fails', (await run("require('.reload').package('greet', [[error('while loading')]])")).Error, /while loading/)
    same('the old one stays', await data('return Mine.hello()'), 'two')
    await run("Handlers.add('h', { Action = 'H' }, function () print('old') end, 9)")
    await run("require('.reload').handler('h', [[function (m) print('new ' .. m.Action) end]])")
    same('handler', (await send({ Action: 'H' })).Output.data, 'new H')
    match('no such handler', (await run("require('.reload').handler('nope', 'function () end')")).Error, /there is no handler nope/)
    match('not a function', (await run("require('.reload').handler('h', '5')")).Error, /should give a function/)
    same('and it still works', (await send({ Action: 'H' })).Output.data, 'new H')
  },

  async 'code of files' () {
    const bundled = `do local function _loaded_mod_lib_deep(...)
local M = {}
function M.deep(x)
  return x.field.deeper
end
return M
end
local result = _loaded_mod_lib_deep("lib.deep")
if result == nil then result = true end
_G.package.loaded["lib.deep"] = result end
local deep = require 'lib.deep'
Handlers.add('dig', { Action = 'Dig' }, function (m)
  local found = deep.deep({ field = m.Nothing })
  return found
end)
return 'loaded'
--@file 2 5 lib/deep.lua
--@file 11 7 main.lua
`
    await fresh()
    same('a bundle', await data(bundled), 'loaded')
    const dig = async () => plain((await send({ Action: 'Dig' })).Error)
    const error = await dig()
    match('the error names the file and its line', error, / lib\/deep\.lua:3: attempt to index a nil value \(field 'field'\)$/)
    match('the trace too', error, /handler "dig"\n\tlib\/deep\.lua:3: in [^\n]*\n\t\t3 \| {3}return x\.field\.deeper\n\tmain\.lua:3: in [^\n]*\n\t\t3 \| {3}local found = deep\.deep/)
    same('where a handler is', await data("return Handlers.describe('dig').defined"), 'main.lua:2')
    match('and its text', await data("return Handlers.source('dig')"), /^Handlers\.add\('dig'[^]*\nend\)$/)
    const exported = (await session.step(message({ Action: 'Migrate.Export' }, { From: ids.owner, Owner: ids.owner }), env)).response.Output
    await fresh()
    await session.step(message({ Action: 'Migrate.Import' }, { From: ids.owner, Owner: ids.owner, Data: exported.data }), env)
    same('it moves with the function', await dig(), error)
    match('while loading', plain((await run("local x = 1\nerror('here')\n--@file 1 2 a/b.lua\n")).Error), /a\/b\.lua:2: here$/)
    match('an expression', plain((await run('nothing.at.all\n--@file 1 1 e.lua')).Error), / e\.lua:1: attempt to index/)
    match('what does not compile', (await run('local x =\n\n--@file 1 2 broken.lua')).Error, /^broken\.lua:2: unexpected symbol near <eof>$/)
    match('what is around the files has no line', plain((await run("do local function _loaded_mod_x(...)\nerror('inner')\nend\n_loaded_mod_x('x')\nend\nreturn 1\n--@file 2 1 x.lua\n--@file 6 1 m.lua")).Error), /x\.lua:1: inner$/)
    match('a mark in the middle is a comment', plain((await run("local x\n--@file 1 1 a.lua\nerror('plain')")).Error), /\[string "aos"\]:3: plain$/)
    for (const mark of ['0 1 a', '1 0 a', '99999999999 1 a', '1 999999999999999999999 a', '5 5 ']) {
      match('nonsense: ' + mark, plain((await run("error('plain')\n--@file " + mark)).Error), /(\[string "aos"\]|a):1: plain$/)
    }
    match('a name cannot deceive', plain((await run("error('x')\n--@file 1 1 a\x1b[31m.lua")).Error), /a\?\[31m\.lua:1: x$/)
  },

  async 'moving into another build' () {
    await fresh()
    await run(`Balances = { alice = '5', [7] = 1.5, [true] = math.huge, neg = -0.0, big = 2^53, raw = '\\xff\\0' }
      Balances.self = Balances
      local n = 0
      function Inc() n = n + 1 return n end
      function Get() return n end
      Inc() Inc()
      Point = setmetatable({ x = 1 }, { __add = function (a, b) return a.x + b.x end, __tostring = function () return 'point' end })
      package.loaded.mymod = { f = function () return Inc() end }
      function string.shout(s) return s:upper() .. '!' end
      Handlers.add('inc', { Action = 'Inc' }, function (m) m.reply({ Data = tostring(Inc()) }) end)
      Handlers.prepend('log', function () return 'continue' end, function (m) Log = (Log or 0) + 1 end)
      Prompt = function () return 'mine> ' end
      Save = print
      A = math.random(1000)`)
    await send({ Action: 'Hi' }, { Data: 'in the inbox' })
    await run("Handlers.add('w', 'W', function () Receive({ Action = 'Never' }) end)")
    await send({ Action: 'W' })
    const next = await data('return math.random(1000000)')
    await run('error(1)') // rolled back, so that nothing moved since
    const exported = (await session.step(message({ Action: 'Migrate.Export' }, { From: ids.owner, Owner: ids.owner }), env)).response.Output
    same('what could not come', exported.lost.coroutines + ' ' + exported.lost.values, '1 0')
    const asked = (await session.step(message({ Action: 'Migrate.Module', Module: 'm' }, { From: ids.owner, Owner: ids.owner }), env)).response
    if (unit) {
      match('the unit takes it', asked.Error, /The migration to the module m has failed: the Module tag is not an id/)
    } else {
      same('what a compute unit takes', asked.Migration, exported.data)
      match('and what is said when none does', asked.Output.data, /ready to move, without 1 waiting coroutine\(s\), but this compute unit/)
    }
    same('strangers do not move it', (await send({ Action: 'Migrate.Module', Module: 'm' })).Migration, undefined)
    same('strangers do not export', (await send({ Action: 'Migrate.Export' })).Output.data.includes('nodes'), false)
    const following = await data('return math.random(1000000)')
    session.reset()
    restart()
    await run("Left = 1 Save = 2 function string.left() end package.loaded.left = {} Handlers.add('left', 'Left', print)")
    const taken = await session.step(message({ Action: 'Migrate.Import' }, { From: ids.owner, Owner: ids.owner, Data: exported.data }), env)
    match('import', taken.response.Output?.data ?? JSON.stringify(taken.response), /Took over/)
    if (!unit) same('a compute unit is told', taken.response.Migration, true)
    match('what stayed behind', taken.response.Output?.data, /, without 1 waiting coroutine\(s\)$/)
    same('prompt', taken.response.Output?.prompt, 'mine> ')
    same('what was there before is gone', await data("local n = 0 for _, h in ipairs(Handlers.list) do if h.name == 'left' then n = n + 1 end end return tostring(Left) .. tostring(string.left) .. tostring(package.loaded.left) .. n"), 'nilnilnil0')
    same('the generator goes on', await data('return math.random(1000000)'), following)
    tally.check('the generator had moved', next !== following, next)
    same('values', await data("return Balances.alice .. Balances[7] .. tostring(Balances[true]) .. tostring(Balances.neg) .. Balances.big .. #Balances.raw .. tostring(Balances.self == Balances) .. math.type(Balances[7])"), '51.5inf-0.09.007199254741e+152truefloat')
    same('closures share their variables', await data('return Inc() .. Get() .. require("mymod").f() .. Get()'), '3344')
    same('metatables', await data('return tostring(Point) .. Point + Point'), 'point2')
    same('added functions', await data("return ('hi'):shout()"), 'HI!')
    same('the runtime is the new one', await data('return tostring(Save == print)'), 'true')
    same('handlers', (await send({ Action: 'Inc' })).Messages[0].Data, '5')
    match('errors still show lines', (await run("Handlers.add('e', 'E', function () error('x') end)")).Output.data, /^\d$/)
    match('replies are the new module\'s', Buffer.concat(JSON.parse(exported.data).nodes.filter((n) => n.f).map((n) => Buffer.from(n.f, 'base64'))).toString('latin1'), /^(?![^]*\.process)/)
    same('and they reply', (await run("Inbox[2].reply({ Data = 'late' })")).Messages?.[0]?.Data, 'late')
    match('inbox and owner', await data("return Inbox[2].Data .. tostring(Owner == ao.env.Process.Owner) .. Log"), /^in the inboxtrue\d+$/)
    match('nonsense is refused', (await session.step(message({ Action: 'Migrate.Import' }, { From: ids.owner, Owner: ids.owner, Data: '{}' }), env)).response.Error, /not the state of a process/)
    await send({ Action: 'Migrate.Import' }, { Data: '{}' })
    same('a stranger does not import', await data("return Inbox[#Inbox].Action"), 'Migrate.Import')
    await run("Before = 'kept' Migrate = { export = function () Exported = true end, import = function (from) error('refused by the process') end }")
    const again = (await session.step(message({ Action: 'Migrate.Export' }, { From: ids.owner, Owner: ids.owner }), env)).response.Output
    const failed = await session.step(message({ Action: 'Migrate.Import' }, { From: ids.owner, Owner: ids.owner, Data: again.data }), env)
    match('the process may refuse', failed.response.Error, /refused by the process/)
    same('and nothing changed', await data("return Before .. Balances.alice"), 'kept5')
  },

  async 'blueprints' () {
    await fresh()
    for (const name of ['token', 'staking', 'voting']) same(name + ' loads', (await run(blueprint(name))).Error, undefined)
    const height = n => ({ 'Block-Height': n })
    await send({ Action: 'Transfer', Recipient: 'v', Quantity: '100' }, { From: ids.process, Owner: ids.authority })
    same('stake', (await send({ Action: 'Stake', Quantity: '60' }, { From: 'v', ...height(100) })).Messages[0].Data, 'Successfully Staked 60')
    match('stake too much', (await send({ Action: 'Stake', Quantity: '60' }, { From: 'v', ...height(100) })).Error, /Insufficient balance to stake/)
    same('unstake', (await send({ Action: 'Unstake', Quantity: '10' }, { From: 'v', ...height(100) })).Messages[0].Data, 'Successfully unstaked 10')
    await send({ Action: 'Unstake', Quantity: '5' }, { From: 'v', ...height(101) })
    same('a second unstake adds up', (await session.step({ ...evaluate('return Unstaking.v.amount'), ...height(102) }, env)).response.Output.data, '15')
    await send({ Action: 'Vote', Target: 'proposal', Side: 'yay', Deadline: '10' }, { From: 'v', ...height(101) })
    same('vote', await data("return Votes.proposal.yay .. ' ' .. Votes.proposal.nay"), '45 0')
    match('votes end', (await send({ Action: 'X' }, height(200))).Output.data, /Handle Vote/)
    await send({ Action: 'X' }, height(2000))
    same('what was unstaked comes back', await data('return Balances.v'), '55')

    await fresh()
    match('chat', plain((await run(blueprint('chat'))).Output.data), /DevChat/)
    match('Say', plain(await data("return Say('hi', 'Getting-Started')")), /Broadcasting to Getting-Started\.\.\./)
    match('Join', plain(await data("return Join('Room1', 'me')")), /Registering with room Room1\.\.\./)
    match('a message of a room', plain((await send({ Action: 'Broadcasted', Nickname: 'someone-long', Broadcaster: 'abcdef' }, { From: '6I1JBBc9SOMtqFxlX7OoYgsMh7QeZk2fFwUCHTUqshg', Data: 'hello' })).Output.data), /\[someone-lo#abc@Getting-Started\]> hello/)
    match('the list', plain((await send({ Action: 'Room-List', 'Room-Test': 'ADDR' }, { From: '8MGp9kOU4JYxAlPT1AyL7O3cedd97y-w8X4ciBsf_Xo' })).Output.data), /Test/)
    same('rooms', await data("return DevChat.findRoom('Test')"), 'ADDR')
    match('Tip', plain(await data("return Tip('bob', 'Test', 3)")), /Sent tip of 3 to bob in room Test\./)
    match('Replay', plain(await data('return Replay(2)')), /Requested replay of the last 2 messages/)

    await fresh()
    same('arns loads', (await run(blueprint('arns'))).Error, undefined)
    const registry = 'TyduW6spZTr3gkdIsdktduJhgtilaR_ex5JukK8gI9o'
    match('resolve', await data("return ARNS.resolve('Some_Name')"), /Getting information for name: name/)
    match('unknown', (await run("return ARNS.id('name')")).Output.data, /name has not been resolved yet\. Cannot get id\. Resolving now\.\.\./)
    await send({ Action: 'Record-Resolved', Name: 'Name' }, { From: registry, Data: '{"processId":"ANT"}' })
    same('id', await data("return ARNS.id('name')"), 'ANT')
    await send({ Action: 'Info-Notice', ProcessOwner: 'OWN' }, { From: 'ANT' })
    same('owner', await data("return ARNS.owner('name')"), 'OWN')
    same('clear', await data('return ARNS.clear'), 'ArNS local name cache cleared.')

    await fresh()
    match('apm', (await run(blueprint('apm'))).Output.data, /Loading APM/)
    match('install', await data("return apm.install('foo')"), /Download requested for @apm\/foo/)
    match('a bad name', (await run("apm.install('@x/y z')")).Error, /Invalid/)
    const hex = Buffer.from("return { v = 'installed' }").toString('hex')
    await send({ Action: 'APM.DownloadResponse', Name: '@apm/foo', Version: '1.0.0' }, { From: 'thief', Data: hex })
    same('not from anyone', await data("return tostring(package.loaded.foo)"), 'nil')
    match('from the registry', (await send({ Action: 'APM.DownloadResponse', Name: '@apm/foo', Version: '1.0.0' }, { From: 'DKF8oXtPvh3q8s0fJFIeHFyHNM6oKrwMCUrPxEMroak', Data: hex })).Output.data, /Downloaded @apm\/foo@1\.0\.0/)
    same('and it loads', await data("return require('foo').v"), 'installed')
    match('uninstall', await data("return apm.uninstall('foo')"), /Uninstalled @apm\/foo/)
    same('patch-legacy-reply loads', (await run(blueprint('patch-legacy-reply'))).Error, undefined)
  },

  async 'large messages' () {
    await fresh()
    const big = 'x'.repeat(10 << 20)
    const ok = r => r.Output !== undefined
    tally.check('a tag of 10 MB', ok(await send({ Huge: big })), 'no output')
    tally.check('data of 10 MB', ok(await send({}, { Data: big })), 'no output')
    const many = {}
    for (let i = 0; i < 50000; i++) many['Tag-' + i] = 'v'
    tally.check('50,000 tags', ok(await send(many)), 'no output')
    await run('Inbox = {}')
    tally.check('deep JSON', ok(await send({ 'Content-Type': 'application/json' }, { Data: '['.repeat(100000) })), 'no output')
    tally.check('JSON that is just deep enough', ok(await send({ 'Content-Type': 'application/json' }, { Data: '['.repeat(9000) + ']'.repeat(9000) })), 'no output')
  },

  async 'hostile messages' () {
    await fresh()
    const hexes = [Buffer.from('{"Id":"x","From":"y","Owner":"y","Tags":[],"Data":"\xff\xfe\x80"}', 'latin1'), Buffer.from('\xff\xfe', 'latin1'), Buffer.from('{"a":'), Buffer.from('[1,2]'), Buffer.from('{"Tags":{"name":1}}')]
    for (const bytes of hexes) {
      const r = await session.send({ hex: bytes.toString('hex'), env })
      tally.check('bytes ' + bytes.toString('hex').slice(0, 20), !r.failed && JSON.parse(r.text).ok === true, r.text)
    }
    for (const code of [
      'local function f() return f() + 1 end return f()',
      "return ('x'):rep(1 << 40)",
      "local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1e6) .. i end",
      "local function g(s, n) return (s:gsub('.', function (c) return n > 0 and g(c, n - 1) or c end)) end return g('x', 100000)",
      "return (('a'):rep(300000)):find(('.-'):rep(300000) .. 'b')",
      'local co = coroutine.wrap(function (f) f(f) end) co(function (f) coroutine.wrap(f)(f) end)',
      'error(setmetatable({}, { __tostring = function () error() end }))',
      'return string.rep(string.rep, 2)',
      "local t = setmetatable({}, {}) getmetatable(t).__index = t return t.x",
      "return load('return ' .. ('('):rep(100000) .. '1' .. (')'):rep(100000))()",
      "return table.concat(setmetatable({}, { __len = function () return 1 << 60 end }))",
      "Handlers = nil",
      "ao = nil print('x')",
      "_G._G = nil Inbox = nil print = nil Prompt = nil",
      "package.loaded = nil require = nil json = nil",
      "debug.sethook(function () error('hooked') end, '', 1)"
    ]) {
      const r = await session.step(evaluate(code), env)
      tally.check(code.slice(0, 60), r.response.Output !== undefined || r.response.Error !== undefined || r.failed, JSON.stringify(r.response).slice(0, 200))
    }
    await fresh()
    same('and the module works', await data('return 1 + 1'), '2')
  },

  async 'determinism and size' () {
    const hash = async () => {
      const h = createHash('sha256')
      session.reset()
      restart()
      const add = async msg => { const r = await session.step(msg, env); h.update(r.text + r.gas + r.memory); return r }
      const first = await add(boot())
      await add(evaluate(blueprint('token')))
      for (let i = 0; i < 20; i++) await add(message({ Action: 'Transfer', Recipient: 'r' + i, Quantity: '1' }, { From: ids.process, Owner: ids.authority }))
      await add(evaluate("local t = {} for i = 1, 50 do t[{}] = i t[print] = i end local o = {} for _, v in pairs(t) do o[#o + 1] = v end return table.concat(o, ' ') .. tostring({}) .. math.random()"))
      await add(message({ Action: 'Balances' }))
      return [h.digest('hex'), first]
    }
    const [one, first] = await hash()
    const [two] = await hash()
    session.close()
    session = new Session(ours)
    const [three] = await hash()
    same('twice', two, one)
    same('in another process', three, one)
    tally.check('a fresh process is small', first.memory <= 6 << 20, first.memory)
  }
}

for (const [name, body] of Object.entries(sections)) {
  if ((unit && alone.includes(name)) || (only.length && !only.some(word => name.includes(word)))) continue
  await body()
}
session.close()
tally.end()
