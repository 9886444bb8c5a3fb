return Dump({ 1, 2, { 3 } }) .. Dump({ a = 1, ['b c'] = 2, [5] = 'five' }, 2) .. Dump('x') .. Dump(nil) .. Dump(true) .. Dump(1.5)
--@ eval
return Dump({ [1] = 'a', [3] = 'c', [2.5] = 'f', x = { y = {} } }, 0)
--@ eval
return Dump({ t = true, f = false, s = 'multi\nline', n = -1 })
