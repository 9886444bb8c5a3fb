N = 0 Handlers.add('e', 'E', function (m) N = N + 1 if m.Fail then error('failed') end print(N) end)
--@ message {"Action":"E"}
--@ message {"Action":"E","Fail":"1"}
--@ message {"Action":"E"}
