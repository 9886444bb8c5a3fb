Subs = {} Handlers.add('sub', 'Subscribe', function (m) Subs[#Subs + 1] = m.From m.reply({ Action = 'Subscribed' }) end) Handlers.add('pub', 'Publish', function (m) for _, s in ipairs(Subs) do Send({ Target = s, Action = 'News', Data = m.Data, Topic = m.Topic }) end end)
--@ message {"Action":"Subscribe"} {"From":"a"}
--@ message {"Action":"Subscribe"} {"From":"b"}
--@ message {"Action":"Publish","Topic":"t"} {"Data":"extra!"}
