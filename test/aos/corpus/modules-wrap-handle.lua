local old = handle function handle(m, e) return (old(m, e):gsub('secret', '******')) end
--@ eval
return 'a secret here'
