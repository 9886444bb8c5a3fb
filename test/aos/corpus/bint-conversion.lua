local b = require('.bint')(256) local o = {} for _, v in ipairs({ '0x1f', '0b101', '-0x10', '+5', '007', 3.0, -4, '340282366920938463463374607431768211456' }) do o[#o + 1] = tostring(b(v)) end return table.concat(o, ' ')
--@ eval
local b = require('.bint')(256) local o = {} for _, v in ipairs({ 'abc', '', '1.5', ' 5', '5 ', '0x', '1e5', 1.5, {}, true }) do o[#o + 1] = tostring((pcall(b, v))) end return table.concat(o, ' ')
--@ eval
local b = require('.bint')(256) return b.tobase(b(255), 2) .. ' ' .. b.tobase(b(-255), 10) .. ' ' .. b.tobase(b(-1), 16) .. ' ' .. tostring(b.frombase('zz', 36)) .. ' ' .. tostring(b.frombase('12', 2)) .. ' ' .. b.tointeger(b('9223372036854775808')) .. ' ' .. b.tonumber(b('1000000000000000000000'))
--@ eval
local b = require('.bint')(256) return tostring(b.maxinteger()) .. ' ' .. tostring(b.mininteger()) .. ' ' .. tostring(b.maxinteger() + 1 == b.mininteger()) .. ' ' .. tostring(b.trunc(3.7)) .. tostring(b.trunc(-3.7)) .. tostring(b.trunc('x')) .. tostring(b.floor(3.7)) .. tostring(b.ceil(3.2))
