return Owner == ao.env.Process.Owner
--@ message {"Action":"Eval"} {"Data":"Owner = 'thief'"}
--@ message {"Action":"Eval"} {"Data":"Owner = 'thief'","From":"process"}
--@ eval
Owner = ao.id
--@ eval
return 1
--@ message {"Action":"Eval"} {"Data":"return 'self'","From":"process"}
