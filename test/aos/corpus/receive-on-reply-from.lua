Send({ Target = 'x' }).onReply('y', function (r) print('from y ' .. r.Data) end)
--@ message {"X-Reference":"1"} {"From":"x","Data":"r"}
--@ message {"X-Reference":"1"} {"From":"y","Data":"r"}
