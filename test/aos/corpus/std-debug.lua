return type(debug.traceback()) .. debug.getinfo(1, 'l').currentline .. debug.getinfo(print).what:sub(1, 3) .. tostring(debug.getlocal(1, 1))
--@ eval
local a = 5 local n, v = debug.getlocal(1, 1) return n .. v
--@ eval
local function f() return debug.getinfo(1, 'n').name end return f() or 'noname', nil
--@ eval
local x = 1 local function g() return x end return debug.getupvalue(g, 1) .. select(2, debug.getupvalue(g, 1))
