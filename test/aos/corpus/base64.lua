local b = require('.base64') return table.concat({ b.encode(''), b.encode('f'), b.encode('fo'), b.encode('foo'), b.encode('foobar'), b.decode('Zm9vYmFy'), b.decode('Zg=='), b.decode('Zm8='), b.decode('Zm9v\nYmFy') }, '|')
--@ eval
local b = require('.base64') local e, d = b.makeencoder('-', '_'), b.makedecoder('-', '_') return b.encode('\255\254\253', e) .. b.decode('__79', d) == '\255\255\254\253' or b.encode('\255\254\253', e)
--@ eval
local b = require('.base64') local all = {} for i = 0, 255 do all[#all + 1] = string.char(i) end all = table.concat(all) return b.decode(b.encode(all)) == all and b.encode(all)
--@ eval
return require('.base64').decode('Zg')
