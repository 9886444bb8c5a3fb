Handlers.add('t', 'T', function (m) print(os.time() .. ' ' .. m.Timestamp .. ' ' .. m['Block-Height'] .. ' ' .. math.type(m.Timestamp)) end)
--@ message {"Action":"T"}
--@ message {"Action":"T"} {"Timestamp":"1700000000123","Block-Height":"55"}
