Handlers.add('s', 'S', function (m) for i = 1, 3 do Send({ Target = 'T' .. i, Action = 'Go', N = tostring(i) }) end end)
--@ message {"Action":"S"}
--@ message {"Action":"S"}
