Send({ Target = 'a' }) return ao.reference
--@ eval
ao.reference = 41 Send({ Target = 'a' }) return ao.reference
--@ eval
ao.reference = 99999999999 Send({ Target = 'a' })
