-- md2 of a stream.
local _, native = ...
local result = require('.crypto.result')

return function (stream)
  local bytes = {}
  for byte in stream do bytes[#bytes + 1] = string.char(byte) end
  return result(native.digest('md2', table.concat(bytes)))
end
