-- AES in blocks: texts are filled up with zero bytes, which decryption leaves there. decrypt takes hexadecimal text.
local _, native = ...
local result = require('.crypto.result')
local hex = require('.crypto.utils.hex')

local MODES = { CBC = true, ECB = true, CFB = true, OFB = true, CTR = true }
local SIZES = { [128] = true, [192] = true, [256] = true }
local ZEROS = ('\0'):rep(16)

local function crypt(decrypt, text, key, iv, mode, bits)
  mode = MODES[mode] and mode or "CBC"
  bits = SIZES[bits] and bits or 128
  return result(native.aes(decrypt, text, key, iv or ZEROS, mode, bits), true)
end

return {
  encrypt = function (text, key, iv, mode, bits) return crypt(false, text, key, iv, mode, bits) end,
  decrypt = function (text, key, iv, mode, bits) return crypt(true, hex.hexToString(text), key, iv, mode, bits) end,
}
