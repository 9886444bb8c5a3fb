local n, out = 0, {} while true do n = n + 1 if n > 5 then break end out[n] = n end repeat local last = n n = n - 1 until last < 3 return table.concat(out, ',') .. n
