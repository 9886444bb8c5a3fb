local json = require('json') local t = json.decode(' { "a" : [ 1 , 2 ] ,\n\t"b" : { } } ') return #t.a .. type(t.b)
--@ eval
return tostring(require('json').decode(' null ')) .. tostring(require('json').decode('true'))
