Handlers.add('tags', { ['Data-Protocol'] = 'ao', Kind = 'special' }, function (m) print('special') end)
--@ message {"Kind":"special"}
--@ message {"kind":"SPECIAL"}
--@ message {"Other":"special"}
