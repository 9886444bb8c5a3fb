local r = Receive({ Action = 'Go' }) return { r.Data, r.From == ao.id }
--@ message {"Action":"Go"} {"Data":"v"}
--@ eval
return 'free'
