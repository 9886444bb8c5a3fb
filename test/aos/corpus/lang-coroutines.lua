local co = coroutine.create(function (a, b) local c = coroutine.yield(a + b) local d, e = coroutine.yield(c * 2) return d + e end) local out = {} out[1] = select(2, coroutine.resume(co, 1, 2)) out[2] = select(2, coroutine.resume(co, 10)) out[3] = select(2, coroutine.resume(co, 3, 4)) out[4] = coroutine.status(co) out[5] = select(2, coroutine.resume(co)) return table.concat(out, ',')
--@ eval
local gen = coroutine.wrap(function () for i = 1, 3 do coroutine.yield(i) end end) return gen() .. gen() .. gen()
--@ eval
local gen = coroutine.wrap(function () error('inside') end) gen()
--@ eval
return tostring(coroutine.isyieldable()) .. tostring(select(2, coroutine.running()))
--@ eval
local co = coroutine.wrap(function () return pcall(function () coroutine.yield(1) error('after') end) end) return co() .. tostring(select(2, co()))
