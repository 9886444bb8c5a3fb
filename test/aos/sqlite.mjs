// The second module: everything of the first, and require('lsqlite3').
import path from 'node:path'
import { Session, Tally, boot, build, env, evaluate, message, restart } from './session.mjs'

const module = path.join(build, 'modules/aos/aos-sqlite.wasm')
const tally = new Tally()
const session = new Session(module)
const answer = async code => {
  const r = (await session.step(evaluate(code), env)).response
  return r.Output ? r.Output.data : 'failed: ' + (r.Error ?? r.thrown)
}
const same = (where, got, want) => tally.check(where, got === want, `${JSON.stringify(got)} is not ${JSON.stringify(want)}`)
const match = (where, got, want) => tally.check(where, want.test(got), `${JSON.stringify(got)} does not match ${want}`)

async function begin () {
  session.reset()
  restart()
  await session.step(boot(), env)
  await session.step(evaluate("sqlite = require('lsqlite3') db = sqlite.open_memory()"), env)
}

await begin()
same('version', await answer('return sqlite.version()'), '3.40.1')
same('exec', await answer("return db:exec([[create table t (id integer primary key, name text, value real, data blob); insert into t values (1, 'one', 1.5, x'00ff'), (2, 'two', null, null);]])"), '0')
same('nrows', await answer("local o = {} for r in db:nrows('select * from t order by id') do o[#o + 1] = r.id .. r.name .. tostring(r.value) .. (r.data and #r.data or '-') end return table.concat(o, ' ')"), '1one1.52 2twonil-')
same('rows', await answer("for r in db:rows('select name, id from t where id = 2') do return r[1] .. r[2] .. math.type(r[2]) end"), 'two2integer')
same('urows', await answer("local o = {} for id, name in db:urows('select id, name from t') do o[#o + 1] = id .. name end return table.concat(o, ' ')"), '1one 2two')
same('state stays between messages', await answer("return db:isopen() and db:total_changes()"), '2')
same('prepare and bind', await answer("local s = db:prepare('insert into t (name, value) values (?, :v)') s:bind_values('three', 3) assert(s:step() == sqlite.DONE) s:reset() s:bind_names({ 'four', v = true }) s:step() return s:finalize() .. db:last_insert_rowid() .. db:changes()"), '041')
same('values and names', await answer("local s = db:prepare('select id, name n from t where id = 3') assert(s:step() == sqlite.ROW) local r = s:get_named_values() return s:columns() .. s:get_value(0) .. s:get_values()[2] .. r.n .. s:get_name(1) .. table.concat(s:get_names(), ',') .. table.concat(s:get_types(), ',') .. select('#', s:get_uvalues())"), '23threethreenid,nINTEGER,TEXT2')
same('exec with a function', await answer("local o = {} db:exec('select id, name from t where id < 3', function (u, n, values, names) o[#o + 1] = u .. n .. values[2] .. names[1] return 0 end, 'u') return table.concat(o, ' ')"), 'u2oneid u2twoid')
same('errors', await answer("return db:exec('select nonsense') .. ' ' .. db:errmsg() .. ' ' .. tostring(db:prepare('syntax'))"), '1 no such column: nonsense nil')
match('errors in loops', await answer("for r in db:rows('select * from nowhere') do end"), /no such table: nowhere/)
match('constraint', await answer("return db:exec('insert into t (id) values (1)') .. ' ' .. db:errcode()"), /^19 19$/)
same('functions', await answer("db:create_function('twice', 1, function (ctx, x) ctx:result(x * 2) end) for v in db:urows('select twice(21)') do return v end"), '42')
same('functions that fail', await answer("db:create_function('bad', 0, function () error('in Lua', 0) end) local ok, e = pcall(function () for v in db:urows('select bad()') do end end) return e"), 'in Lua')
same('aggregates', await answer("db:create_aggregate('glue', 1, function (ctx, v) ctx:set_aggregate_data((ctx:get_aggregate_data() or '') .. v) end, function (ctx) ctx:result_text(ctx:get_aggregate_data() or 'none') end) for a, b in db:urows([[select glue(name), (select glue(name) from t where 0) from t]]) do return a .. b end"), 'onetwothreefournone')
same('collations', await answer("db:create_collation('backwards', function (a, b) return a < b and 1 or a > b and -1 or 0 end) local o = {} for n in db:urows('select name from t order by name collate backwards') do o[#o + 1] = n end return table.concat(o, ',')"), 'two,three,one,four')
same('hooks', await answer("local seen = {} db:update_hook(function (u, op, d, t, id) seen[#seen + 1] = u .. op .. d .. t .. id end, 'h') db:commit_hook(function () seen[#seen + 1] = 'commit' end) db:exec('update t set value = 9 where id = 1') db:update_hook(nil) db:commit_hook(nil) return table.concat(seen, ' ')"), 'h23maint1 commit')
same('transactions', await answer("db:exec('begin; delete from t; rollback') for n in db:urows('select count(*) from t') do return n end"), '4')
same('json, math, full text', await answer("local o = {} for a, b in db:urows([[select json_extract('{\"a\":[1,2]}', '$.a[1]'), round(sqrt(16))]]) do o[1] = a .. b end db:exec([[create virtual table f using fts5(body); insert into f values ('the quick fox'), ('lazy dog')]]) for b in db:urows([[select body from f where f match 'fox']]) do o[2] = b end return table.concat(o, ' ')"), '24.0 the quick fox')
same('time is the message\'s', await answer("for t, j in db:urows([[select datetime('now'), strftime('%s', 'now') * 1000 / 1000]]) do return tostring(j == os.time() // 1000) end"), 'true')
same('serialize', await answer("local bytes = db:serialize() local other = sqlite.open_memory() other:deserialize(bytes) for n in other:urows('select count(*) from t') do return n .. tostring(#bytes % 4096) end"), '40')
same('files are in memory, too', await answer("local f = sqlite.open('/tmp/x.db') f:exec('create table a (b)') local ok = f:exec([[attach '/tmp/y.db' as y]]) return f:close() .. ok"), '00')
match('closed', await answer("local d = sqlite.open_memory() local s = d:prepare('select 1') d:close() s:step()"), /attempt to use closed sqlite virtual machine/)
same('a failed message changes nothing', (await answer("db:exec('delete from t') error('stop')")).includes('stop'), true)
same('as it was', await answer("for n in db:urows('select count(*) from t') do return n end"), '4')
same('a handler with a database', await (async () => {
  await answer("Handlers.add('put', 'Put', function (m) local s = db:prepare('insert into t (name) values (?)') s:bind_values(m.Data) s:step() s:finalize() m.reply({ Data = tostring(db:last_insert_rowid()) }) end)")
  return (await session.step(message({ Action: 'Put' }, { Data: "o'brien; drop table t" }), env)).response.Messages[0].Data
})(), '5')
same('collected in the middle', await answer("for i = 1, 200 do local d = sqlite.open_memory() d:exec('create table a (b)') d:prepare('select * from a') d:create_function('f', 0, function () return i end) end collectgarbage() collectgarbage() return 'fine'"), 'fine')

const random = async () => {
  await begin()
  return await answer("local o = {} for a, b in db:urows('select random(), hex(randomblob(8))') do o[1] = a .. b end for a in db:urows('select random()') do o[2] = a end return table.concat(o, ' ')")
}
const [one, two] = [await random(), await random()]
same('random is the same for the same messages', one, two)
match('and is random', one, /^-?\d{10,}[0-9A-F]{16} -?\d{10,}$/)
session.close()
tally.end()
