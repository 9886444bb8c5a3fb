return tostring(nil) .. tostring(true) .. tostring(12) .. tostring('s') .. type(tostring({})) .. tostring(print):sub(1, 9)
--@ eval
tostring()
--@ eval
return tostring(setmetatable({}, { __name = 'My' })):sub(1, 3)
--@ eval
return tostring(setmetatable({}, { __tostring = function () return 1 end }))
--@ eval
return type(print) .. type(nil) .. type({}) .. type('') .. type(2) .. type(coroutine.create(print))
--@ eval
type()
