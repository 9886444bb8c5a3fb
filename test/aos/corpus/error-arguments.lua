string.rep('x')
--@ eval
('x'):rep({})
--@ eval
string.sub()
--@ eval
table.concat(5)
--@ eval
ipairs()
--@ eval
setmetatable({})
--@ eval
math.floor({})
--@ eval
string.char(256)
--@ eval
('x'):format()
--@ eval
string.byte({})
--@ eval
tonumber({}, 10)
