for _, n in ipairs({ 'a', 'b', 'c' }) do Handlers.add(n, function () return 'continue' end, function () print(n) end) end
--@ message {"Action":"X"}
--@ eval
Handlers.add('b', function () return 'break' end, function () print('b breaks') end)
--@ message {"Action":"X"}
