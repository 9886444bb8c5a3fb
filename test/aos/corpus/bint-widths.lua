local o = {} for _, w in ipairs({ 64, 128, 512, 1024 }) do local b = require('.bint')(w) o[#o + 1] = tostring(b.maxinteger()):sub(1, 10) .. #tostring(b.maxinteger()) end return table.concat(o, ' ')
--@ eval
local b = require('.bint')(64) return tostring(b(2) ^ 63) .. tostring(b.ipow(2, 63)) .. tostring(b.ipow(2, 64))
