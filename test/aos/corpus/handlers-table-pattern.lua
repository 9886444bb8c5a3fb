Handlers.add('t', { Action = 'Buy', Quantity = '%d+' }, function (m) print('buy ' .. m.Quantity) end)
--@ message {"Action":"Buy","Quantity":"12"}
--@ message {"Action":"Buy","Quantity":"none"}
--@ message {"Action":"Buy"}
--@ message {"Action":"BUY","Quantity":"1"}
