Handlers.add('r', 'R', function (m) m.reply('text') end)
--@ message {"Action":"R"}
--@ eval
Handlers.add('r', 'R', function (m) m.reply({ Target = 5 }) end)
--@ message {"Action":"R"}
