Handlers.add('h', 'H', function () print('once only') Handlers.remove('h') end)
--@ message {"Action":"H"}
--@ message {"Action":"H"}
