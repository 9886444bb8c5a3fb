local mt = {} mt.__index = function (t, k) return k .. '!' end mt.__call = function (self, a) return 'called ' .. a end mt.__tostring = function () return 'obj' end mt.__len = function () return 42 end mt.__unm = function () return 'neg' end mt.__concat = function (a, b) return 'cat' end
local o = setmetatable({}, mt) return table.concat({ o.x, o(1), tostring(o), #o, -o, o .. 'x', 'x' .. o }, ' ')
--@ eval
local mt = { __eq = function () return true end, __lt = function () return true end, __le = function () return false end } local a, b = setmetatable({}, mt), setmetatable({}, mt) return tostring(a == b) .. tostring(a < b) .. tostring(a <= b) .. tostring(a ~= b)
--@ eval
local t = setmetatable({}, { __newindex = function (t, k, v) rawset(t, k, v * 2) end }) t.a = 5 return t.a
--@ eval
return getmetatable('').__index == string and getmetatable(setmetatable({}, { __metatable = 'locked' }))
--@ eval
setmetatable(setmetatable({}, { __metatable = 1 }), {})
