Handlers.add('r', 'R', function (m) local r = m.reply({ Data = 'x' }) print(r.Target .. ' ' .. type(r.receive) .. ' ' .. r.Anchor) end)
--@ message {"Action":"R"}
