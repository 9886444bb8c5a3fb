Handlers.add('f', 'F', function (m) local k = {} for n, v in pairs(m) do k[#k + 1] = n .. ':' .. type(v) end table.sort(k) print(table.concat(k, ' ')) end)
--@ message {"Action":"F","Custom-Tag":"v"}
