local r = Handlers.generateResolver({ [{ A = '1' }] = function (m) return 'one' end, [{ A = '2' }] = function (m) return 'two' end }) return tostring(r({ A = '1', Tags = {} })) .. tostring(r({ A = '2', Tags = {} })) .. tostring(r({ A = '3', Tags = {} }))
--@ eval
return tostring(Handlers.generateResolver(function (m) return m.x end)({ x = 5 }))
