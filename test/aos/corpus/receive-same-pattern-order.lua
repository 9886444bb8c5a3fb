Handlers.add('a', 'A', function (m) local r = Receive('B') print(m.Data .. ' ' .. r.Data) end)
--@ message {"Action":"A"} {"Data":"first"}
--@ message {"Action":"A"} {"Data":"second"}
--@ message {"Action":"B"} {"Data":"x"}
--@ message {"Action":"B"} {"Data":"y"}
