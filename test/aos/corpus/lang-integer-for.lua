local out = {} for i = 10, 1, -3 do out[#out + 1] = i end for i = 1, 0 do out[#out + 1] = 'never' end for i = 1.0, 2 do out[#out + 1] = i end return table.concat(out, ',')
--@ eval
for i = 1, 10, 0 do end
--@ eval
for i = 'a', 2 do end
