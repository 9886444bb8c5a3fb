local json = require('json') local o = {} for _, v in ipairs({ { 1, nil, 3 }, { [3] = 1 }, { 1, x = 2 }, { [true] = 1 }, { print }, coroutine.create(print), { a = coroutine.create(print) }, { [1.5] = 'x' }, { x = { y = { 1, z = 2 } } } }) do local ok, e = pcall(json.encode, v) o[#o + 1] = tostring(ok) .. ' ' .. (ok and e or e:gsub('^.-: ', '')) end return table.concat(o, '\n')
--@ eval
local json = require('json') local a = {} local b = { a, a } return json.encode(b)
--@ eval
local json = require('json') local a = { 1 } a[2] = a return json.encode(a)
