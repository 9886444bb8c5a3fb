Handlers.add('d', 'D', function (m) print(type(m.Data) .. ' ' .. tostring(m.Data)) end)
--@ message {"Action":"D"} {"Data":"text"}
--@ message {"Action":"D"} {"Data":5}
--@ message {"Action":"D"} {"Data":true}
--@ message {"Action":"D"} {"Data":null}
--@ message {"Action":"D","Content-Type":"application/json"} {"Data":"{\"a\":1}"}
--@ message {"Action":"D","Content-Type":"text/plain"} {"Data":"{\"a\":1}"}
