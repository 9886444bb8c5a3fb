Handlers.add('m', 'X', function () print('m') end) Handlers.before('m').add('b', function () return 'continue' end, function () print('before') end) Handlers.after('m').add('a', 'X', function () print('after') end)
--@ message {"Action":"X"}
--@ eval
Handlers.before('m').add('Action2', function () print('two args') end)
--@ message {"Action":"Action2"}
