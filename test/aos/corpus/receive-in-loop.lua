Handlers.add('collect', 'Collect', function (m) local sum = 0 for i = 1, 3 do sum = sum + tonumber(Receive({ Action = 'Add' }).Data) end m.reply({ Data = tostring(sum) }) end)
--@ message {"Action":"Collect"}
--@ message {"Action":"Add"} {"Data":"1"}
--@ message {"Action":"Add"} {"Data":"2"}
--@ message {"Action":"Add"} {"Data":"3"}
--@ message {"Action":"Add"} {"Data":"4"}
