local r = {} for _, p in ipairs({ {1, 1.0}, {1, 2}, {'a', 'b'}, {'Z', 'a'}, {'', 'a'}, {2^53, 2^53 + 1} }) do r[#r + 1] = tostring(p[1] == p[2]) .. tostring(p[1] < p[2]) .. tostring(p[1] <= p[2]) end return table.concat(r, ' ')
--@ eval
1 < 'x'
--@ eval
{} < {}
--@ eval
nil < 1
