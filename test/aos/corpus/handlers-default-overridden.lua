Handlers.add('_default', function () return true end, function () print('mine') end)
--@ message {"Action":"X"}
