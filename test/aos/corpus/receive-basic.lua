Handlers.add('a', 'A', function (m) local r = Receive({ Action = 'B' }) print('got ' .. r.Data .. ' for ' .. m.Data) end)
--@ message {"Action":"A"} {"Data":"one"}
--@ message {"Action":"B"} {"Data":"two"}
--@ message {"Action":"B"} {"Data":"three"}
