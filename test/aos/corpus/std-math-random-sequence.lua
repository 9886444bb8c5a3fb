local o = {} for i = 1, 10 do o[i] = math.random(100) end return table.concat(o, ',')
--@ eval
local o = {} for i = 1, 5 do o[i] = string.format('%.6f', math.random()) end return table.concat(o, ',')
--@ eval
return math.random(1, 1) .. math.random(-5, 5) .. math.random(3.7)
--@ eval
math.random(2, 1)
--@ eval
return math.random(1, 2, 3)
