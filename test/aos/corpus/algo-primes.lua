local s, o = {}, {} for i = 2, 100 do if not s[i] then o[#o + 1] = i for j = i * i, 100, i do s[j] = true end end end return table.concat(o, ' ')
