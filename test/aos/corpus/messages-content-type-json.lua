Handlers.add('d', 'D', function (m) print(m.Data) end)
--@ message {"Action":"D","Content-Type":"application/json"} {"Data":"[1,2,3]"}
--@ message {"Action":"D","Content-Type":"application/json"} {"Data":"\"str\""}
--@ message {"Action":"D","Content-Type":"application/json"} {"Data":"5"}
--@ message {"Action":"D","content-type":"application/json"} {"Data":"{\"x\":{\"y\":[]}}"}
