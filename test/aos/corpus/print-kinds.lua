print('s') print(1) print(2.5) print(true) print(nil) print({ a = 1 }) print({ 1, 2 }) print('') print('a', 'b')
--@ eval
print(-0.0) print(1e100) print(2^53) print(math.mininteger)
--@ eval
for i = 1, 20 do print(i) end
