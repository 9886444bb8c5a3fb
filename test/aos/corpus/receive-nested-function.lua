local function ask(t) return Send({ Target = t }).receive().Data end
Handlers.add('n', 'N', function (m) print(ask('x') .. ask('y')) end)
--@ message {"Action":"N"}
--@ message {"X-Reference":"1"} {"From":"x","Data":"1"}
--@ message {"X-Reference":"2"} {"From":"y","Data":"2"}
