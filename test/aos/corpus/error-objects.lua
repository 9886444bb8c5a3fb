error({ code = 5 })
--@ eval
error(nil)
--@ eval
error(42)
--@ eval
error(42, 2)
--@ eval
error(true)
--@ eval
error(setmetatable({}, { __tostring = function () return 'custom' end }))
--@ eval
error()
