return 'x'
--@ message {"target":"zzz","from":"evil","owner":"evil","id":"ok-if-tag"} {"Data":"d"}
--@ eval
local m = Inbox[#Inbox] return m.From == m.Owner and m.Target == ao.id and tostring(m.Tags.From) .. tostring(m.Tags.Target)
