return table.concat({ 7 + 2, 7 - 2, 7 * 2, 7 / 2, 7 // 2, 7 % 2, 2 ^ 10, -7 // 2, -7 % 3, 7 % -3, 7.5 // 2, -7.5 % 2 }, ' ')
--@ eval
return table.concat({ 1e15, 1e14, 123456789012345, 0.1, 1/3, 1e100, -1e-5, 2^63, math.maxinteger, math.mininteger, math.maxinteger + 1 }, ' ')
--@ eval
return table.concat({ tostring(1/0), tostring(-1/0), tostring(0/0), tostring(-(0/0)), tostring(0.0), tostring(-0.0), tostring(3 | 0), 10 // 0.0, tostring(5 % math.huge) }, ' ')
