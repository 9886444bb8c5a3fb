-- MORUS-1280: authenticated encryption. The associated data stands in front of the result.
local _, native = ...
local result = require('.crypto.result')

local function check(key, iv)
  if #key ~= 16 and #key ~= 32 then error("key must be 16 or 32 bytes") end
  if #iv ~= 16 then error("iv must be 16 bytes") end
end

return {
  encrypt = function (key, iv, text, ad)
    check(key, iv)
    ad = ad or ""
    return result(ad .. native.morus(false, key, iv, text, ad))
  end,
  decrypt = function (key, iv, text, ad_length)
    check(key, iv)
    ad_length = ad_length or 0
    local plain = native.morus(true, key, iv, text:sub(ad_length + 1), text:sub(1, ad_length))
    if not plain then return nil, "decrypt error" end
    return plain
  end,
}
