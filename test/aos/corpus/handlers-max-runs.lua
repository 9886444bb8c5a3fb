Handlers.add('n', 'N', function () print('run') end, 2)
--@ message {"Action":"N"}
--@ eval
for _, h in ipairs(Handlers.list) do if h.name == 'n' then return h.maxRuns end end
--@ message {"Action":"N"}
--@ message {"Action":"N"}
