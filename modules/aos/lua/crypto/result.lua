-- result(bytes, upper, as_bytes): what digests and ciphers return.
local hex = require('.crypto.utils.hex')

return function (bytes, upper, as_bytes)
  local result = {
    asHex = function ()
      local text = hex.stringToHex(bytes)
      return upper and text:upper() or text
    end,
    asString = function () return bytes end,
  }
  if as_bytes ~= false then
    result.asBytes = as_bytes or function ()
      local list = {}
      for i = 1, #bytes do list[i] = bytes:byte(i) end
      return list
    end
  end
  return result
end
