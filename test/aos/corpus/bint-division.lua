local b = require('.bint')(256) local o = {} for _, p in ipairs({ { 7, 2 }, { -7, 2 }, { 7, -2 }, { -7, -2 }, { '100000000000000000000', 3 } }) do local x, y = b(p[1]), b(p[2]) local q, r = b.idivmod(x, y) local tq, tr = b.tdivmod(x, y) o[#o + 1] = tostring(q) .. ',' .. tostring(r) .. ',' .. tostring(tq) .. ',' .. tostring(tr) end return table.concat(o, ' ')
--@ eval
local b = require('.bint')(256) return b(1) // 0
--@ eval
local b = require('.bint')(256) return b(1) % b(0)
--@ eval
local b = require('.bint')(256) local q, r = b.udivmod(-1, 10) return tostring(q) .. ' ' .. tostring(r)
