Assign({ Processes = { 'a' }, Message = 'm' })
--@ eval
Assign({ Processes = 'a', Message = 'm' })
--@ eval
Assign()
--@ eval
ao.assign({ Processes = { ao.id }, Message = 'm', Extra = 1 })
