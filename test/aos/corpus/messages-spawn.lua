Spawn('MOD', { Data = 'x', Tags = { Name = 'n' }, Extra = 'e' })
--@ eval
Spawn({ Data = 'y' })
--@ eval
Spawn('MOD')
--@ eval
Spawn()
--@ eval
ao.spawn(5, {})
--@ eval
return type(Spawn('MOD', {}).receive) .. ' ' .. tostring(Spawn('MOD', {}).after) .. ' ' .. Spawn('MOD', {}).output
