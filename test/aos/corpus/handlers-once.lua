Handlers.once('o', 'O', function () print('once') end)
--@ message {"Action":"O"}
--@ message {"Action":"O"}
--@ eval
Handlers.once({ Action = 'P' }, function () print('auto') end) return Handlers.list[1].name
--@ message {"Action":"P"}
--@ message {"Action":"P"}
