Game = { state = 'lobby', players = {} } local function on(s, a, f) Handlers.add(s .. a, function (m) return Game.state == s and m.Action == a end, f) end on('lobby', 'Join', function (m) table.insert(Game.players, m.From) if #Game.players == 2 then Game.state = 'playing' end m.reply({ Data = Game.state }) end) on('playing', 'Move', function (m) Game.state = 'over' m.reply({ Data = 'winner ' .. m.From }) end)
--@ message {"Action":"Move"} {"From":"a"}
--@ message {"Action":"Join"} {"From":"a"}
--@ message {"Action":"Join"} {"From":"b"}
--@ message {"Action":"Join"} {"From":"c"}
--@ message {"Action":"Move"} {"From":"b"}
