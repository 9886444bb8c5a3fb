return string.format('%5d|%-5d|%05d|%+d|%x|%X|%o|%c|%e|%g|%q|%s|%10s|%-10s|%.3s|%%|%a', 42, 42, 42, 42, 255, 255, 8, 65, 12345.678, 0.0001, 'q"\n', 'str', 'r', 'l', 'truncate', 1.0)
--@ eval
return string.format('%.3f %.0f %10.2f %5.1f %i', 3.14159, 2.5, 1234.5, -0.05, 3)
--@ eval
return string.format('%d', 3.0) .. string.format('%s %s %s', nil, true, {} ~= nil)
--@ eval
string.format('%d', 3.5)
--@ eval
string.format('%y', 1)
--@ eval
string.format('%d')
--@ eval
return string.format('%q', 1/3) .. string.format('%q', math.mininteger) .. string.format('%5s', 'ab')
