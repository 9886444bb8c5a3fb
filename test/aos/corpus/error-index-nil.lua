local t = {} return t.a.b
--@ eval
local t = {} t.a.b = 1
--@ eval
return undefinedglobal.field
--@ eval
undefinedfunction()
--@ eval
local s = 'x' return s.y.z
--@ eval
return (nil)[1]
--@ eval
a.b.c = 1
--@ eval
return math.nofunction()
