State = { n = 0, log = {} } Handlers.add('inc', 'Inc', function (m) State.n = State.n + (tonumber(m.By) or 1) table.insert(State.log, { by = m.From, n = State.n }) print(State.n) end) Handlers.add('get', 'Get', function (m) m.reply({ Data = State }) end)
--@ message {"Action":"Inc"}
--@ message {"Action":"Inc","By":"5"}
--@ message {"Action":"Get"}
