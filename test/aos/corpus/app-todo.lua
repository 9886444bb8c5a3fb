Todos = Todos or {} Handlers.add('add', { Action = 'Add' }, function (m) Todos[#Todos + 1] = { text = m.Data, done = false } m.reply({ Data = tostring(#Todos) }) end) Handlers.add('done', { Action = 'Done' }, function (m) local t = Todos[tonumber(m.Index)] if not t then m.reply({ Error = 'no such todo' }) return end t.done = true m.reply({ Data = t.text }) end) Handlers.add('list', { Action = 'List' }, function (m) m.reply({ Data = require('json').encode(Todos) }) end)
--@ message {"Action":"Add"} {"Data":"milk"}
--@ message {"Action":"Add"} {"Data":"eggs"}
--@ message {"Action":"Done","Index":"1"}
--@ message {"Action":"Done","Index":"9"}
--@ message {"Action":"List"}
