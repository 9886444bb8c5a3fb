Handlers.add('f', 'F', function (m) m.forward('DEST') end)
--@ message {"Action":"F","A":"1","Reference":"3"} {"Data":"body"}
--@ eval
Handlers.add('f', 'F', function (m) m.forward('DEST', { Action = 'Changed', Data = 'new', Extra = 'e' }) end)
--@ message {"Action":"F","A":"1"} {"Data":"body"}
