local json = require('json') return json.encode({ a = print, b = 1 }) .. json.encode({ x = print })
--@ eval
local json = require('json') return json.encode(setmetatable({ 1, 2 }, { __index = function () return 'x' end }))
