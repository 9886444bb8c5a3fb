Handlers.add('w', { Action = '_', Data = '_' }, function (m) print('any ' .. m.Action .. ' ' .. m.Data) end)
--@ message {"Action":"A"} {"Data":"x"}
--@ message {"Action":"A"} {"Data":""}
--@ message {} {"Data":"x"}
