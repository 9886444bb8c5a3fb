local b = require('.bint')(256) return tostring(b(5) + 1) .. tostring(1 + b(5)) .. tostring(b(5) + '1') .. tostring(b(5) + 1.5) .. tostring(b(5) * 2.0) .. math.type(b(5) + 1.5)
--@ eval
local b = require('.bint')(256) return tostring(b(5) < 6) .. tostring(6 > b(5)) .. tostring(b(5) <= 5.5) .. tostring(b(5) == 5)
--@ eval
local b = require('.bint')(256) return b(5) + {}
--@ eval
local b = require('.bint')(256) return b(5) < 'x'
