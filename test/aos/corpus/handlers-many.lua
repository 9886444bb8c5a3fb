for i = 1, 200 do Handlers.add('h' .. i, 'A' .. i, function () print('h' .. i) end) end return #Handlers.list
--@ message {"Action":"A150"}
--@ message {"Action":"A1"}
