Handlers.add('p', 'P', function () print('one') print({ 1, 2 }) error('then') end)
--@ message {"Action":"P"}
