Handlers.add('h', 'H', function (m) local r = Handlers.receive(function (x) return x.Kind == 'k' end) print(r.Data) end)
--@ message {"Action":"H"}
--@ message {"Kind":"j"} {"Data":"no"}
--@ message {"Kind":"k"} {"Data":"yes"}
