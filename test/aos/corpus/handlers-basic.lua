Handlers.add('ping', 'Ping', function (m) print('pong ' .. m.From) end)
--@ message {"Action":"Ping"}
--@ message {"Action":"ping"}
--@ message {"Action":"Other"}
