Handlers.add('a', 'A', function (m) local r = Receive({ Action = 'B', K = m.K }) print(m.Data .. ' ' .. r.Data) end)
--@ message {"Action":"A","K":"1"} {"Data":"first"}
--@ message {"Action":"A","K":"2"} {"Data":"second"}
--@ message {"Action":"B","K":"2"} {"Data":"x"}
--@ message {"Action":"B","K":"1"} {"Data":"y"}
