Pool = { A = 1000, B = 500 }
Handlers.add('swap', 'Swap', function (m) local q = tonumber(m.Quantity) local out = Pool.B - Pool.A * Pool.B // (Pool.A + q) Pool.A = Pool.A + q Pool.B = Pool.B - out m.reply({ Action = 'Swapped', Out = tostring(out) }) end)
--@ message {"Action":"Swap","Quantity":"100"}
--@ message {"Action":"Swap","Quantity":"1000"}
--@ eval
return Pool.A .. ' ' .. Pool.B
