Price = nil Handlers.add('refresh', 'Refresh', function (m) local r = Send({ Target = 'ORACLE', Action = 'Price', Pair = 'AR/USD' }).receive() Price = tonumber(r.Data) m.reply({ Data = 'price is ' .. Price }) end)
--@ message {"Action":"Refresh","Reference":"1"}
--@ message {"X-Reference":"1"} {"From":"ORACLE","Data":"12.5"}
--@ eval
return Price
