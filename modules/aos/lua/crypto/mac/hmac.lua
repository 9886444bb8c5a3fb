-- HMAC. createHmac works with blocks of 32 bytes, where RFC 2104 has 64: results on the network were made so. `standard` is
-- as in the RFC, for pbkdf2.
local _, native = ...
local result = require('.crypto.result')

local DIGESTS = { sha1 = 'sha1', sha256 = 'sha2_256' }

local hmac = {}

local function mask(key, byte)
  return (key:gsub('.', function (c) return string.char(c:byte() ~ byte) end))
end

-- f(text) under `key`, a string.
local function keyed(digest, key, block)
  if #key > block then key = native.digest(digest, key) end
  key = key .. ('\0'):rep(block - #key)
  local inner, outer = mask(key, 0x36), mask(key, 0x5c)
  return function (text) return native.digest(digest, outer .. native.digest(digest, inner .. text)) end
end

function hmac.standard(key, algorithm)
  return keyed(DIGESTS[algorithm], key, 64)
end

function hmac.createHmac(stream, key, algorithm)
  algorithm = algorithm or 'sha1'
  local digest = DIGESTS[algorithm]
  if not digest then error("Unsupported algorithm: " .. tostring(algorithm)) end
  local bytes, key_bytes = {}, {}
  for byte in stream do bytes[#bytes + 1] = string.char(byte) end
  for i, byte in ipairs(key) do key_bytes[i] = string.char(byte) end
  return result(keyed(digest, table.concat(key_bytes), 32)(table.concat(bytes)))
end

return hmac
