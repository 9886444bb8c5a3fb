Names = {} Handlers.add('register', 'Register', function (m) local n = m.Tags.Name or m.Data assert(type(n) == 'string' and #n > 2, 'name too short') assert(not Names[n], 'taken') Names[n] = { owner = m.From, at = m.Timestamp } m.reply({ Action = 'Registered', ['Registered-Name'] = n }) end) Handlers.add('lookup', 'Lookup', function (m) local r = Names[m.Data] m.reply({ Data = r and { owner = r.owner } or 'none' }) end)
--@ message {"Action":"Register"} {"Data":"al"}
--@ message {"Action":"Register"} {"Data":"alice"}
--@ message {"Action":"Register"} {"Data":"alice","From":"x"}
--@ message {"Action":"Lookup"} {"Data":"alice"}
--@ message {"Action":"Lookup"} {"Data":"bob"}
