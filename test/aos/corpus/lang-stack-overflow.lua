local function f() return 1 + f() end return f()
--@ eval
local function f() return 1 + f() end local ok, e = pcall(f) return tostring(ok) .. tostring(e):sub(1, 60)
--@ eval
return 'alive'
