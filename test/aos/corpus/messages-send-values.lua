Send({ Target = 'T', A = 1, B = 1.5, C = true, D = false, E = '', F = 'é' }) return 1
--@ eval
Send({ Target = 'T', List = { 'a', 'b' }, Obj = { k = 'v' }, Empty = {} }) return 1
--@ eval
Send({ Target = 'T', Big = 2^60, Int = 123456789012, Neg = -5 }) return 1
