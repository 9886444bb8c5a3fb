return type(collectgarbage('count')) .. tostring(collectgarbage('isrunning')) .. collectgarbage('step') == nil or 'ok'
--@ eval
return collectgarbage('stop') .. tostring(collectgarbage('isrunning')) .. collectgarbage('restart')
--@ eval
collectgarbage('nonsense')
