Handlers.add('a', function (m) return m.Action == 'A' and 'continue' or 'skip' end, function () Handlers.add('b', 'A', function () print('same message') end) print('a') end)
--@ message {"Action":"A"}
