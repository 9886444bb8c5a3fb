Handlers.add('w', 'W', function () Receive({ Action = 'Never' }) end)
--@ message {"Action":"W"}
--@ message {"Action":"W"}
--@ eval
return #Handlers.coroutines .. ' ' .. Handlers.onceNonce
