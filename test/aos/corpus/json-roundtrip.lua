local json = require('json') local t = json.decode('{"a":[1,2,{"b":null}],"c":"\\u00e4\\n","d":true,"e":-1.5e3}') return json.encode(t.a) .. t.c .. tostring(t.d) .. t.e
--@ eval
local json = require('json') return json.encode(json.decode('[[],{},[[]],""]'))
--@ eval
local json = require('json') return json.encode('tab\t quote" back\\ slash/ nul\0 del\127')
