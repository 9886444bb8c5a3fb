return Handlers.list[1].name .. Handlers.list[2].name .. type(Handlers.list[1].handle) .. type(Handlers.list[1].pattern)
--@ eval
Handlers.prepend('spy', function (m) return m.Action == 'Eval' and 'continue' or 'skip' end, function (m) print('spied ' .. #m.Data) end)
--@ eval
return 'evaluated'
