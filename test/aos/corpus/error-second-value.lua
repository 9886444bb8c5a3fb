return nil, 'reason'
--@ eval
return false, 'reason'
--@ eval
return 1, false
--@ eval
return 1, { a = 1 }
--@ eval
return pcall(error, 'x')
--@ eval
return 'fine', nil, 'third'
