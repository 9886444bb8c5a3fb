local c = require('.crypto') local o = {} for _, t in ipairs({ '', 'a', ('b'):rep(16), ('c'):rep(17), ('d'):rep(50) }) do for _, m in ipairs({ 'CBC', 'ECB', 'CFB', 'OFB', 'CTR' }) do local e = c.cipher.aes.encrypt(t, 'super_secret_shh', 'initialvector_16', m).asHex() o[#o + 1] = e .. ' ' .. c.cipher.aes.decrypt(e, 'super_secret_shh', 'initialvector_16', m).asHex() end end return table.concat(o, '\n')
--@ eval
return require('.crypto').cipher.aes.encrypt('x', 'super_secret_shh', nil, 'XYZ', 99).asHex()
