local m = require('.crypto').cipher.morus local o = {} for _, n in ipairs({ 0, 1, 31, 32, 33, 100 }) do for _, k in ipairs({ 16, 32 }) do local e = m.encrypt(('k'):rep(k), ('i'):rep(16), ('t'):rep(n), 'ad') o[#o + 1] = e.asHex():sub(-40) .. ' ' .. tostring(#m.decrypt(('k'):rep(k), ('i'):rep(16), e.asString(), 2)) end end return table.concat(o, '\n')
--@ eval
local m = require('.crypto').cipher.morus return m.encrypt('short', ('i'):rep(16), 'x')
--@ eval
local m = require('.crypto').cipher.morus local e = m.encrypt(('k'):rep(16), ('i'):rep(16), 'text').asString() local r, why = m.decrypt(('k'):rep(16), ('j'):rep(16), e) return tostring(r) .. why
