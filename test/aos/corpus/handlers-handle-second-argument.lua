Handlers.add('f', 'F', function (...) print(select('#', ...)) end)
--@ message {"Action":"F"}
