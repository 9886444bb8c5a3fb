return table.concat({ ('abc'):upper(), ('ABC'):lower(), ('abc'):len(), ('abc'):reverse(), ('ab'):rep(3, '-'), ('abcdef'):sub(2, -2), ('abc'):sub(-2), ('abc'):byte(1), string.char(72, 105), ('x'):rep(0) }, ' ')
--@ eval
return table.concat({ ('hello'):byte(1, -1) }, ',')
--@ eval
string.rep()
--@ eval
('x'):rep(1e10)
