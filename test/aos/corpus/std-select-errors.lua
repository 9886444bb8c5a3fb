select(-5, 1)
--@ eval
rawset({}, nil, 1)
--@ eval
local t = {} t[nil] = 1
--@ eval
local t = {} t[0/0] = 1
--@ eval
setmetatable(1, {})
--@ eval
return rawequal('a', 'a') and rawlen({ 1, 2 }) .. rawget({ x = 1 }, 'x')
