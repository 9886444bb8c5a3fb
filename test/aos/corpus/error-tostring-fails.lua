return setmetatable({}, { __tostring = function () error('no') end }) and 'ok'
--@ eval
print(setmetatable({ 1 }, { __tostring = function () error('no') end }))
--@ eval
return coroutine.create(print) ~= nil
