local _ENV = { print = print, tostring = tostring } x = 1 return tostring(x)
--@ eval
return tostring(x)
--@ eval
local function sandboxed() local _ENV <const> = {} end
--@ eval
return _ENV == _G
