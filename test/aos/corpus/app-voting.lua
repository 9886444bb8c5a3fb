Votes = {} Handlers.add('vote', { Action = 'Vote', Choice = { 'yes', 'no' } }, function (m) Votes[m.From] = m.Choice local y, n = 0, 0 for _, v in pairs(Votes) do if v:lower() == 'yes' then y = y + 1 else n = n + 1 end end m.reply({ Yes = tostring(y), No = tostring(n) }) end)
--@ message {"Action":"Vote","Choice":"yes"} {"From":"a"}
--@ message {"Action":"Vote","Choice":"NO"} {"From":"b"}
--@ message {"Action":"Vote","Choice":"maybe"} {"From":"c"}
