local s = [[long
string]] return s .. '\65\066\x41\u{48}\z
   joined' .. "\'" .. #'\0abc'
--@ eval
return 'a' .. 1 .. 2.0 .. -3
--@ eval
return '10' + 5, nil
--@ eval
return '0x10' * '2'
--@ eval
return 'abc' + 1
