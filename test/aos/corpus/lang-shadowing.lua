local x = 1 do local x = x + 1 do local x = x * 10 y = x end end return x .. y
