return load('return 1 + 1')() .. load(function () return nil end and 'return 2')()
--@ eval
return tostring(load('syntax error here'))
--@ eval
return select(2, load('x =', 'chunkname'))
--@ eval
return select(2, load('x =', '=name')) .. select(2, load('x =', '@file.lua'))
--@ eval
local env = { y = 5 } return load('return y', 'c', 't', env)()
--@ eval
local parts, i = { 'return ', '40 ', '+ 2' }, 0 return load(function () i = i + 1 return parts[i] end)()
--@ eval
return load(string.dump(function () return 'from bytecode' end))()
