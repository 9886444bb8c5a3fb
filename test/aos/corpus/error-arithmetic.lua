return 1 + {}
--@ eval
return {} .. 'x'
--@ eval
return -{}
--@ eval
return 'a' * 2
--@ eval
local x return x + 1
--@ eval
return #nil
--@ eval
return 2^53 | 0.5
--@ eval
return 1 < {}
