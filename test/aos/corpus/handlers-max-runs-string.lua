Handlers.add('n', 'N', function () print('run') end, 'inf')
--@ message {"Action":"N"}
--@ message {"Action":"N"}
