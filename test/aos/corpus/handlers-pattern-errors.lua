Handlers.add('f', function (m) error('in pattern') end, function (m) print('x') end)
--@ message {"Action":"X"}
--@ eval
return 'owner still in?'
