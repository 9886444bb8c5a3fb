Send()
--@ eval
Send(5)
--@ eval
Send({ Target = 'T', Tags = 'x' })
--@ eval
Send({ Target = 'T', Data = { [1] = 'a', x = 'b' } })
--@ eval
ao.send()
--@ eval
ao.send('text')
