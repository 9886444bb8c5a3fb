return tostring(tonumber('  10  ')) .. tostring(tonumber('1e2')) .. tostring(tonumber('0x1p4')) .. tostring(tonumber('abc')) .. tostring(tonumber('10', 2)) .. tostring(tonumber('zz', 36)) .. tostring(tonumber('')) .. tostring(tonumber('1 2'))
--@ eval
return tostring(tonumber('9223372036854775807')) .. ' ' .. tostring(tonumber('9223372036854775808')) .. ' ' .. math.type(tonumber('5.'))
--@ eval
tonumber()
--@ eval
tonumber('10', 99)
