return #string.pack('i4', 100) .. ' ' .. string.unpack('<i4', string.pack('<i4', -2)) .. ' ' .. string.packsize('i4i8') .. ' ' .. string.unpack('z', 'hi\0rest') .. ' ' .. string.unpack('s1', '\3abc') .. ' ' .. string.unpack('>d', string.pack('>d', 1.5))
--@ eval
return (string.pack('>I2 <I2 =I2', 1, 1, 1):gsub('.', function (c) return string.format('%02x', c:byte()) end))
--@ eval
string.pack('i1', 200)
--@ eval
string.unpack('i4', 'ab')
