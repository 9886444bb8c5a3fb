local json = require('json') local o = {} for _, s in ipairs({ '0', '-0', '1.0', '1e5', '1E+2', '12345678901234567890', '0.1', '-5', '00012', '0x1F', '1.', '.5' }) do local ok, v = pcall(json.decode, s) o[#o + 1] = ok and tostring(v) or 'error' end return table.concat(o, ' ')
--@ eval
local json = require('json') return json.encode({ 1, 1.0, 0.5, 1e10, 1e14, 1e15, 123456789, -0.0, 2^31, 1/3, 100000000000000, 99999999999999 })
--@ eval
require('json').encode(0/0)
--@ eval
require('json').encode(-1/0)
