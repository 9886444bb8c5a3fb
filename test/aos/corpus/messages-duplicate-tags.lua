Handlers.add('d', 'D', function (m) print(m.Tags.K .. ' ' .. m.K .. ' ' .. #m.TagArray) end)
--@ message {"Action":"D"} {"Tags":[{"name":"Action","value":"D"},{"name":"K","value":"first"},{"name":"K","value":"second"}]}
