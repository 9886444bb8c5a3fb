Handlers.add('a', 'A', function () Handlers.add('b', 'B', function () print('b is here') end) print('added') end)
--@ message {"Action":"B"}
--@ message {"Action":"A"}
--@ message {"Action":"B"}
