local c = require('.crypto') local e = c.cipher.issac.encrypt('The quick brown fox 123!', 'key') return e.asHex() .. ' ' .. c.cipher.issac.decrypt(e.asString(), 'key')
--@ eval
local c = require('.crypto') local o = {} for i = 1, 10 do o[i] = c.random(1, 1000, 'seed' .. i) end return table.concat(o, ' ')
--@ eval
return tostring(require('.crypto').random(nil, nil, 'x'))
--@ eval
local i = require('.crypto').cipher.issac i.seedIsaac('abc') return i.getRandom() .. ' ' .. i.getRandom() .. ' ' .. i.getRandomChar()
