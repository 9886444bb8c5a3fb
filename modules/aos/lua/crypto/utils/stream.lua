-- A stream is a function: the next byte, or nil at the end.
local stream = {}

function stream.fromString(text)
  local at = 0
  return function ()
    at = at + 1
    return text:byte(at)
  end
end

function stream.fromArray(array)
  local at = 0
  return function ()
    at = at + 1
    return array[at]
  end
end

function stream.fromHex(text)
  local at = -1
  return function ()
    at = at + 2
    local digits = text:sub(at, at + 1)
    if digits ~= "" then return tonumber(digits, 16) end
  end
end

function stream.toString(s)
  local bytes = {}
  for byte in s do bytes[#bytes + 1] = string.char(byte) end
  return table.concat(bytes)
end

function stream.toArray(s)
  local array = {}
  for byte in s do array[#array + 1] = byte end
  return array
end

function stream.toHex(s)
  local digits = {}
  for byte in s do digits[#digits + 1] = string.format('%02X', byte) end
  return table.concat(digits)
end

return stream
