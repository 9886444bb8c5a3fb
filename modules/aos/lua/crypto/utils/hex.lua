local hex = {}

-- With `per_line`, so many bytes to a line, with `separator` between them.
function hex.stringToHex(text, per_line, separator)
  if not per_line or per_line <= 0 then
    return (text:gsub('.', function (c) return string.format('%02x', c:byte()) end))
  end
  local lines = {}
  for i = 1, #text, per_line do
    local bytes = {}
    for k = i, math.min(i + per_line - 1, #text) do bytes[#bytes + 1] = string.format('%02x', text:byte(k)) end
    lines[#lines + 1] = table.concat(bytes, separator or "")
  end
  return table.concat(lines, "\n")
end

-- White space is skipped. `unsafe`: the text is known to be nothing but digits.
function hex.hexToString(text, unsafe)
  if not unsafe then
    text = text:gsub('%s+', '')
    if text:find('%X') or #text % 2 ~= 0 then error('invalid hex string') end
  end
  return (text:gsub('(%x%x)', function (digits) return string.char(tonumber(digits, 16)) end))
end

return hex
