local function deep(n) if n == 0 then error('bottom') end deep(n - 1) end
Handlers.add('d', 'D', function () deep(5) end)
--@ message {"Action":"D"}
