Auction = { high = 0 } Handlers.add('bid', 'Bid', function (m) local v = tonumber(m.Value) if v <= Auction.high then m.reply({ Action = 'Bid-Error', Error = 'too low' }) return end if Auction.who then Send({ Target = Auction.who, Action = 'Refund', Value = tostring(Auction.high) }) end Auction.high, Auction.who = v, m.From m.reply({ Action = 'Leading' }) end)
--@ message {"Action":"Bid","Value":"5"} {"From":"a"}
--@ message {"Action":"Bid","Value":"3"} {"From":"b"}
--@ message {"Action":"Bid","Value":"9"} {"From":"b"}
--@ message {"Action":"Bid","Value":"x"} {"From":"c"}
