Send({ Target = 'T', Action = 'A', Data = 'd', Tags = { X = 'y' } }) return 1
--@ eval
ao.send({ Target = 'T' }).Tags[4].value
--@ eval
Send({ Target = 'T', Tags = {} }).output
--@ eval
Send({ Target = 'T', Data = '' }) Send({ Target = 'T', Data = 0 }) Send({ Target = '', Data = false })
--@ eval
Send({ Target = 'T', Data = {} }) Send({ Target = 'T', Data = { 1, { a = 2 } } })
