Handlers.add('a', 'X', function () print('a') end) Handlers.add('b', 'X', function () print('b') end) Handlers.prepend('c', 'X', function () print('c') end)
--@ message {"Action":"X"}
--@ eval
Handlers.remove('c')
--@ message {"Action":"X"}
