Handlers.add('n', { Action = { 'One', { 'Two', '^three' } } }, function (m) print('hit ' .. m.Action) end)
--@ message {"Action":"one"}
--@ message {"Action":"TWO"}
--@ message {"Action":"Threefold"}
--@ message {"Action":"four"}
