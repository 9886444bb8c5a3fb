local bint = require('.bint')(256) Supply = tostring(bint('1000000000000000000000000') * 3) return Supply
--@ eval
local bint = require('.bint')(256) local share = bint(Supply) // 7 return tostring(share) .. ' ' .. tostring(bint(Supply) % 7) .. ' ' .. tostring(bint(Supply) > bint('2999999999999999999999999'))
--@ eval
local bint = require('.bint')(256) local fee = bint.__idiv(bint(Supply) * 25, 10000) return tostring(fee) .. ' ' .. tostring(bint.__sub(Supply, fee))
