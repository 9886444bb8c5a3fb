local json = require('json') local t = {} for i = 1, 1000 do t[i] = { id = i, name = 'item ' .. i } end local s = json.encode(t) return #json.decode(s) .. ' ' .. json.decode(s)[500].name
