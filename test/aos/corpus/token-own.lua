Balances = { [Owner] = 1000 }
Handlers.add('Transfer', 'Transfer', function (m) local q = tonumber(m.Quantity) assert(q and q > 0, 'bad quantity') assert((Balances[m.From] or 0) >= q, 'too little') Balances[m.From] = Balances[m.From] - q Balances[m.Recipient] = (Balances[m.Recipient] or 0) + q Send({ Target = m.Recipient, Action = 'Credit', Quantity = m.Quantity }) end)
--@ message {"Action":"Transfer","Quantity":"10","Recipient":"r"} {"From":"owner"}
--@ message {"Action":"Transfer","Quantity":"10","Recipient":"r"}
--@ message {"Action":"Transfer","Quantity":"-1","Recipient":"r"} {"From":"owner"}
--@ message {"Action":"Transfer","Recipient":"r"} {"From":"owner"}
--@ eval
return Balances[Owner] .. ' ' .. Balances.r
