Handlers.add('t', 'T', function (m) local before = os.time() Receive({ Action = 'R' }) print(os.time() - before) end)
--@ message {"Action":"T"}
--@ message {"Action":"X"}
--@ message {"Action":"R"}
