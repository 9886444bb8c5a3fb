Handlers.add('e', 'E', function () error({ a = 1 }) end)
--@ message {"Action":"E"}
--@ message {"Action":"Other"}
