-- Base64 (RFC 4648). Encoders are maps from 0..63 to byte values, with the padding at 64; decoders the other way round.
local base64 = { _version = "0.0.1" }

local byte, char, concat = string.byte, string.char, table.concat

function base64.makeencoder(c62, c63, pad)
  local encoder, n = {}, 0
  for _, range in ipairs({ 'AZ', 'az', '09' }) do
    for c = byte(range, 1), byte(range, 2) do
      encoder[n] = c
      n = n + 1
    end
  end
  encoder[62], encoder[63], encoder[64] = byte(c62 or '+'), byte(c63 or '/'), byte(pad or '=')
  return encoder
end

function base64.makedecoder(c62, c63, pad)
  local decoder = {}
  for n, c in pairs(base64.makeencoder(c62, c63, pad)) do decoder[c] = n end
  return decoder
end

local standard_encoder, standard_decoder = base64.makeencoder(), base64.makedecoder()

function base64.encode(text, encoder)
  encoder = encoder or standard_encoder
  local out = {}
  for i = 1, #text - 2, 3 do
    local a, b, c = byte(text, i, i + 2)
    local n = a << 16 | b << 8 | c
    out[#out + 1] = char(encoder[n >> 18], encoder[n >> 12 & 63], encoder[n >> 6 & 63], encoder[n & 63])
  end
  local rest = #text % 3
  if rest == 1 then
    local n = byte(text, -1) << 16
    out[#out + 1] = char(encoder[n >> 18], encoder[n >> 12 & 63], encoder[64], encoder[64])
  elseif rest == 2 then
    local a, b = byte(text, -2, -1)
    local n = a << 16 | b << 8
    out[#out + 1] = char(encoder[n >> 18], encoder[n >> 12 & 63], encoder[n >> 6 & 63], encoder[64])
  end
  return concat(out)
end

-- Characters outside the alphabet, such as newlines, are left out; what remains is groups of four.
function base64.decode(text, decoder)
  decoder = decoder or standard_decoder
  local digits, out, padding = {}, {}, 0
  for i = 1, #text do
    local n = decoder[byte(text, i)]
    if n then digits[#digits + 1] = n end
  end
  while #digits > 0 and digits[#digits] == 64 and padding < 2 do
    digits[#digits] = nil
    padding = padding + 1
  end
  assert((#digits + padding) % 4 == 0, "base64 text is not padded")
  for _ = 1, padding do digits[#digits + 1] = 0 end
  for i = 1, #digits, 4 do
    local n = digits[i] << 18 | digits[i + 1] << 12 | digits[i + 2] << 6 | digits[i + 3]
    out[#out + 1] = char(n >> 16 & 255, n >> 8 & 255, n & 255)
  end
  local decoded = concat(out)
  return padding == 0 and decoded or decoded:sub(1, -padding - 1)
end

return base64
