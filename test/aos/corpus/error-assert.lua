assert(nil)
--@ eval
assert(false, 'text')
--@ eval
assert(false, 5)
--@ eval
assert()
--@ eval
return assert(1, 'unused')
--@ eval
return select('#', assert(1, 2, 3))
--@ eval
local ok, e = pcall(assert, false, 'in pcall') return e
--@ eval
local ok, e = pcall(assert, false, { 1 }) return type(e)
--@ eval
local function f() assert(nil, 'in f') end
local ok, e = pcall(f) return e
