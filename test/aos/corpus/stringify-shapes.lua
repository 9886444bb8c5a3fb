return { 'a', 1, 'b' }
--@ eval
return { a = 1 }
--@ eval
return { 1, { 2, { 3 } } }
--@ eval
return { { a = 1 }, { b = 2 } }
--@ eval
return { a = { 1, 2 }, }
--@ eval
return { true, false }
--@ eval
return { s = 'text with "quotes"' }
--@ eval
return { f = print ~= nil }
--@ eval
return { [10] = 'ten' }
--@ eval
return { '' }
--@ eval
print({}) print({ {} }) print({ {}, {} })
