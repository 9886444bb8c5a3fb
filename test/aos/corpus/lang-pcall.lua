local ok, e = pcall(error, 'msg') local ok2, e2 = pcall(error, { code = 7 }) local ok3, e3 = pcall(error) return tostring(ok) .. e .. e2.code .. tostring(e3)
--@ eval
return select('#', pcall(function () return 1, nil, nil end))
--@ eval
local ok, e = xpcall(function () error('x', 0) end, function (m) return 'handled ' .. m end) return e
--@ eval
local ok, e = xpcall(function () local x = nil; return x.y end, debug.traceback) return (e:gsub('\n.*', ''))
