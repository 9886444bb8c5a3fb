Handlers.add('a', 'A', function (m) local r = Receive({ Action = 'B' }) error('after ' .. r.Data) end)
--@ message {"Action":"A"}
--@ message {"Action":"B"} {"Data":"x"}
--@ message {"Action":"B"} {"Data":"again"}
