local m = Spawn('MOD', {}).receive() Child = m.Process
--@ message {"Action":"Spawned","Reference":"1","Process":"CHILD"} {"From":"process"}
--@ eval
return Child
