Utils.map()
--@ eval
Utils.map('x', {})
--@ eval
Utils.reduce(5, 0, {})
--@ eval
Utils.reduce(function () end, 0, 5)
--@ eval
Utils.find(function () end, 5)
--@ eval
Utils.propEq('a', 5, {})
--@ eval
Utils.propEq('a', 'b', 5)
--@ eval
Utils.values(5)
--@ eval
Utils.includes(1, 5)
--@ eval
Utils.concat(5, {})
--@ eval
Utils.concat({}, 5)
