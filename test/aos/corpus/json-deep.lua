local json = require('json') local s = ('['):rep(100) .. (']'):rep(100) return json.encode(json.decode(s)) == s
--@ eval
local json = require('json') local t = {} for i = 1, 50 do t = { n = t } end return #json.encode(t)
