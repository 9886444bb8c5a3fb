local o = {} for _, n in ipairs({ 1e15, 1e16, 123456.789, 1e-10, 100.0, 3.14159265358979, 2^31, 2^53, 1e308 * 10 }) do o[#o + 1] = tostring(n) end return table.concat(o, ' ')
