Handlers.add('c', function (m) return m.Cron and true or false end, function (m) print('cron ' .. m.Action) end)
--@ message {"Action":"Cron"} {"From":"owner","Owner":"owner","Cron":true}
--@ message {"Action":"Cron"}
