Handlers.add('f', function (m) return m.Action == 'X' end, function (m) print('x') end)
--@ message {"Action":"X"}
--@ message {"Action":"Y"}
