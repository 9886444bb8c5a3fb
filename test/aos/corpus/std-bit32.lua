return table.concat({ bit32.band(0xff, 0x0f), bit32.bor(1, 2), bit32.bxor(5, 1), bit32.bnot(0), bit32.lshift(1, 4), bit32.rshift(256, 4), bit32.arshift(-8, 1), bit32.lrotate(1, 33), bit32.rrotate(1, 1), bit32.extract(0xff00, 8, 4), bit32.replace(0, 5, 4, 4), tostring(bit32.btest(1, 2)) }, ' ')
--@ eval
bit32.extract(1, 32)
