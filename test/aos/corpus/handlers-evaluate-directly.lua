local hits = {} Handlers.add('e', 'E', function (m) hits[#hits + 1] = 'e' end) local r = Handlers.evaluate({ Action = 'E', Tags = {} }, {}) return tostring(r) .. #hits
--@ eval
Handlers.evaluate('x', {})
--@ eval
Handlers.evaluate({}, nil)
