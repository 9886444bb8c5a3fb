local t = { 1, 2, x = 'a', [10] = 'ten', 3, ['key with space'] = true, { nested = 1 } } return #t .. t.x .. t[10] .. tostring(t['key with space']) .. t[4].nested
