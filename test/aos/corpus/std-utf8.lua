return utf8.char(72, 228, 8364, 128512) .. utf8.len('häß') .. utf8.codepoint('ä') .. utf8.offset('aäb', 3) .. tostring(utf8.len('\xff')) .. #utf8.charpattern
--@ eval
local o = {} for p, c in utf8.codes('aä€') do o[#o + 1] = p .. ':' .. c end return table.concat(o, ' ')
--@ eval
utf8.codepoint('\xff')
--@ eval
utf8.char(-1)
