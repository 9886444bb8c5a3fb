local function f(...) return select('#', ...), ... end return table.concat({ f(1, nil, 3) }, ',', 1, 2)
--@ eval
local function f(...) local a, b = ... return tostring(a) .. tostring(b) .. select(-1, ...) end return f(1, 2, 3)
--@ eval
return select(0, 1)
--@ eval
return (select('#')) .. #{ (function () return 1, 2 end)(), (function () return 1, 2 end)() }
