Handlers.add('f', function (m) if m.Action == 'Boom' then return m.nothing.here end return false end, print)
--@ message {"Action":"Boom"}
--@ message {"Action":"Fine"}
