Handlers.add('p', function (m) print('asked') return false end, print)
--@ message {"Action":"X"}
