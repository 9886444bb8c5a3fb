return table.concat({ math.floor(3.7), math.ceil(3.2), math.floor(-3.7), math.abs(-5), math.max(1, 5, 3), math.min(2, 0), math.sqrt(16), math.pi, math.fmod(7, 3), math.fmod(-7, 3), math.tointeger(3.0), tostring(math.tointeger(3.5)), math.type(1), math.type(1.0), tostring(math.type('1')), math.ult(1, -1) and 'ult' or '' }, ' ')
--@ eval
return table.concat({ math.sin(1), math.cos(1), math.tan(1), math.asin(0.5), math.acos(0.5), math.atan(1), math.atan(1, 2), math.exp(1), math.log(10), math.log(8, 2), math.log(100, 10), math.deg(1), math.rad(180) }, ' ')
--@ eval
return table.concat({ math.pow(2, 8), math.ldexp(1, 4), math.cosh(1), math.sinh(1), math.tanh(1), math.log10(1000), math.frexp(8), math.modf(3.7), math.modf(-3.7) }, ' ')
--@ eval
math.floor('x')
--@ eval
math.max()
--@ eval
return math.huge .. -math.huge .. math.floor(1e20)
