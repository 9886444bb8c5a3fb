local o = {} for _, c in ipairs({ { '^a.c$', 'ABC' }, { 'a.c', 'abc' }, { 'x', 'X' }, { '%d', '5' }, { '_', '' }, { '', '' }, { 'a-b', 'A-B' }, { '(a)', 'a' }, { '[xyz]', 'Y' }, { 'a+', 'aaa' }, { 'a?', '' }, { 'é', 'É' } }) do o[#o + 1] = tostring(Utils.matchesPattern(c[1], c[2], {})) end return table.concat(o, ' ')
--@ eval
return tostring(Utils.matchesSpec({ A = true }, { A = 'true' })) .. tostring(Utils.matchesSpec({ A = 5 }, { A = '5' })) .. tostring(Utils.matchesSpec({ A = 'x' }, { A = { 'y', 'x' } }))
