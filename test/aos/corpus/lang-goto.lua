local out = {} for i = 1, 3 do for j = 1, 3 do if j == 2 then goto continue end out[#out + 1] = i .. j ::continue:: end end return table.concat(out, ',')
