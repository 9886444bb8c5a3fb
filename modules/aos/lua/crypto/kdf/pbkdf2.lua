-- PBKDF2 (RFC 8018) of arrays.
local hmac = require('.crypto.mac.hmac')
local result = require('.crypto.result')
local array = require('.crypto.utils.array')

local function xor(a, b)
  local words = #a // 4
  local format = ('<I4'):rep(words)
  local x, y = { string.unpack(format, a) }, { string.unpack(format, b) }
  for i = 1, words do x[i] = x[i] ~ y[i] end
  return string.pack(format, table.unpack(x, 1, words))
end

return function (password, salt, iterations, length, algorithm)
  algorithm = algorithm or 'sha1'
  if algorithm ~= 'sha1' and algorithm ~= 'sha256' then error("Unsupported algorithm: " .. tostring(algorithm)) end
  local mac, salt_text = hmac.standard(array.toString(password), algorithm), array.toString(salt)
  local key, count = "", 0
  while #key < length do
    count = count + 1
    local last = mac(salt_text .. string.pack('>I4', count))
    local block = last
    for _ = 2, iterations do
      last = mac(last)
      block = xor(block, last)
    end
    key = key .. block
  end
  return result(key:sub(1, length), true)
end
