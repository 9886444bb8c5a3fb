Handlers.add('q', 'Q', function (m) local a = ao.send({ Target = 'p1', Action = 'Ask' }).receive() local b = ao.send({ Target = 'p2', Action = 'Ask', Data = a.Data }).receive() m.reply({ Data = b.Data }) end)
--@ message {"Action":"Q","Reference":"77"}
--@ message {"X-Reference":"1"} {"From":"p1","Data":"alpha"}
--@ message {"X-Reference":"2"} {"From":"p2","Data":"beta"}
