local n = 0 for k, v in pairs({ a = 1, b = 2, 3 }) do n = n + v end return n .. tostring(next({})) .. next({ 5 })
--@ eval
local t = { a = 1, b = 2, c = 3 } for k in pairs(t) do t[k] = nil end return tostring(next(t))
--@ eval
return next({}, 'nokey')
--@ eval
local p = setmetatable({}, { __pairs = function (t) return function (_, k) if not k then return 1, 'custom' end end, t, nil end }) for k, v in pairs(p) do return k .. v end
--@ eval
local p = setmetatable({}, { __ipairs = function (t) return function (_, k) if k < 2 then return k + 1, 'i' .. k end end, t, 0 end }) local o = {} for k, v in ipairs(p) do o[#o + 1] = k .. v end return table.concat(o, ',')
