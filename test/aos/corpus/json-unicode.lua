local json = require('json') return json.decode('"\\ud83d\\ude00 \\u0041 \\u20ac \\u0000"'):gsub('%z', 'NUL')
--@ eval
local json = require('json') return #json.decode('"\\ud83d"') .. #json.decode('"\\ude00x"') .. #json.decode('"\\ud83d\\u0041"')
--@ eval
return require('json').encode('日本語 😀')
