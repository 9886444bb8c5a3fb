-- The older five read streams, the others texts.
local _, native = ...
local result = require('.crypto.result')

local function of_text(name, as_bytes)
  return function (text)
    local bytes = native.digest(name, text)
    return result(bytes, false, as_bytes and function () return as_bytes(bytes) end or false)
  end
end

local function words(bytes)
  return { string.unpack('>i8i8i8i8i8i8i8i8', bytes, 1) }
end

local function characters(bytes)
  local list = {}
  for i = 1, #bytes do list[i] = bytes:sub(i, i) end
  return list
end

-- BLAKE2b of 1 to 64 bytes, with a key of at most 64; otherwise nothing.
local function blake2b(text, length, key)
  length, key = length or 64, key or ""
  if length < 1 or length > 64 or #key > 64 then return nil end
  local bytes = native.blake2b(text, length, key)
  return result(bytes, false, function () return characters(bytes) end)
end

return {
  _version = "0.0.1",
  md2 = require('.crypto.digest.md2'),
  md4 = require('.crypto.digest.md4'),
  md5 = require('.crypto.digest.md5'),
  sha1 = require('.crypto.digest.sha1'),
  sha2_256 = require('.crypto.digest.sha2_256'),
  sha2_512 = of_text('sha2_512', function (bytes)
    local list = words(bytes)
    list[9] = nil
    return list
  end),
  sha3_256 = of_text('sha3_256'),
  sha3_512 = of_text('sha3_512'),
  keccak256 = of_text('keccak256'),
  keccak512 = of_text('keccak512'),
  blake2b = blake2b,
}
