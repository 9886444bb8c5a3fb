local co = coroutine.wrap(function () local r = Receive({ Action = 'R' }) print('inner ' .. r.Data) end) co() return 'outer'
--@ message {"Action":"R"} {"Data":"v"}
