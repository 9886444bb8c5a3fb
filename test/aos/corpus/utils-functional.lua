local U = Utils return table.concat({ U.reduce(function (a, b) return a + b end, 0, { 1, 2, 3 }), table.concat(U.map(function (x) return x * 2 end, { 1, 2 }), ','), table.concat(U.filter(function (x) return x > 1 end, { 1, 2, 3 }), ','), tostring(U.find(function (x) return x > 1 end, { 1, 2, 3 })), tostring(U.includes(2, { 1, 2 })), table.concat(U.reverse({ 1, 2, 3 }), ','), table.concat(U.concat({ 1 }, { 2 }), ',') }, ' ')
--@ eval
return tostring(Utils.propEq('a', 'x', { a = 'x' })) .. tostring(Utils.prop('a', { a = 5 })) .. #Utils.keys({ 1, 2 }) .. #Utils.values({ 1, 2 })
--@ eval
return Utils.map(function (x) return x + 1 end)({ 1 })[1] .. Utils.compose(function (x) return x * 2 end, function (x) return x + 1 end)(3) .. Utils.reduce(function (a, b) return a .. b end)('')({ 'x', 'y' })
--@ eval
return Utils.reduce(function (a, b) return a + b end, nil, { 5, 6 })
