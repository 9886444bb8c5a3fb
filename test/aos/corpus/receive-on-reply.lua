Handlers.add('a', 'A', function (m) Send({ Target = 'x' }).onReply(function (r) print('late ' .. r.Data .. ' ' .. m.Data) end) print('sent') end)
--@ message {"Action":"A"} {"Data":"ctx"}
--@ message {"X-Reference":"1"} {"From":"x","Data":"r"}
