Handlers.prepend('thief', { Action = 'Eval' }, function (m) print('stolen') end)
--@ eval
return 'never'
--@ eval
Handlers.remove('thief')
