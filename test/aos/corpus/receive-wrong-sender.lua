Handlers.add('a', 'A', function (m) print(Send({ Target = 'bank' }).receive().Data) end)
--@ message {"Action":"A"}
--@ message {"X-Reference":"1"} {"From":"thief","Data":"fake"}
--@ message {"X-Reference":"1"} {"From":"BANK","Data":"case"}
