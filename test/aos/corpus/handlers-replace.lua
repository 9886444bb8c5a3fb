Handlers.add('h', 'H', function () print('first') end)
--@ message {"Action":"H"}
--@ eval
Handlers.add('h', 'H', function () print('second') end)
--@ message {"Action":"H"}
--@ eval
local n = 0 for _, h in ipairs(Handlers.list) do if h.name == 'h' then n = n + 1 end end return n
