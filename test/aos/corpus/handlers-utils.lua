local u = Handlers.utils Handlers.add('d', u.hasMatchingData('secret'), function (m) print('knows') end) Handlers.add('t', u.hasMatchingTagOf('Action', { 'A', 'B' }), function (m) print('a or b') end)
--@ message {} {"Data":"secret"}
--@ message {"Action":"B"}
--@ message {"Action":"C"}
