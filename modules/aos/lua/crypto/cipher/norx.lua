-- NORX64-4-1: authenticated encryption with data before and after, neither of which is part of the result.
local _, native = ...
local result = require('.crypto.result')

local function check(key, nonce)
  if #key ~= 32 then error("key must be 32 bytes") end
  if #nonce ~= 32 then error("nonce must be 32 bytes") end
end

return {
  encrypt = function (key, nonce, text, header, trailer)
    check(key, nonce)
    return result(native.norx(false, key, nonce, text, header or "", trailer or ""))
  end,
  decrypt = function (key, nonce, text, header, trailer)
    check(key, nonce)
    local plain = native.norx(true, key, nonce, text, header or "", trailer or "")
    if not plain then return nil, "auth failure" end
    return plain
  end,
}
