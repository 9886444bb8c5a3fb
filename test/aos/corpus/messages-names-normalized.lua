return 'ready'
--@ message {"lower-case":"1","UPPER":"2","mixedCase":"3","under_score":"4","With Space":"5"}
--@ eval
local m = Inbox[#Inbox] local k = {} for _, t in ipairs(m.TagArray) do k[#k + 1] = t.name .. '=' .. tostring(m[t.name]) end return table.concat(k, ' ')
