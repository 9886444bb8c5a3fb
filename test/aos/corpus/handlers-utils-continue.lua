Handlers.add('log', Handlers.utils.continue({ Action = '_' }), function (m) print('log ' .. m.Action) end) Handlers.add('x', 'X', function () print('x') end)
--@ message {"Action":"X"}
--@ message {"Action":"Y"}
