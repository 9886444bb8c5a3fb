local function thrower(l) error('lvl', l) end local out = {} for l = 0, 3 do out[#out + 1] = select(2, pcall(thrower, l)) end return table.concat(out, '|')
--@ eval
local function a() error('two', 2) end
local function b() a() end
b()
