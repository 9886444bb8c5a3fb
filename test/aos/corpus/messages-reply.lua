Handlers.add('r', 'R', function (m) m.reply({ Data = 'one' }) m.reply({ Action = 'Two', Tags = { K = 'v' } }) end)
--@ message {"Action":"R"}
--@ message {"Action":"R","Reference":"5","Reply-To":"other"}
--@ message {"Action":"R","X-Reference":"7","X-Origin":"o"}
