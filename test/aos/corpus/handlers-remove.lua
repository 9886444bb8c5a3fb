Handlers.add('h', 'H', function () print('here') end) Handlers.remove('h') Handlers.remove('h')
--@ message {"Action":"H"}
