local t = { 3, 1, 2 } table.sort(t) table.insert(t, 4) table.insert(t, 1, 0) local r = table.remove(t) local f = table.remove(t, 1) return table.concat(t, ',') .. r .. f .. table.concat({}, ',') .. table.concat({ 1, 2, 3 }, '-', 2, 3)
--@ eval
local t = { 'b', 'a', 'c' } table.sort(t, function (a, b) return a > b end) return table.concat(t)
--@ eval
return table.concat(table.pack(table.unpack({ 1, 2, 3 }, 2)), ',') .. table.pack(1, nil).n .. select('#', table.unpack({}, 1, 3))
--@ eval
return table.concat(table.move({ 1, 2, 3 }, 1, 3, 2), ',')
--@ eval
table.insert({ 1 }, 5, 2)
--@ eval
table.insert({}, 1, 2, 3)
--@ eval
table.concat({ {} })
--@ eval
table.sort({ 3, 'a', 1 })
--@ eval
table.sort({ 1, 2, 3, 4, 5 }, function () return true end)
--@ eval
table.unpack({}, 1, 1e8)
