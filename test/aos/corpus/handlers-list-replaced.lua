Handlers.list = {}
--@ message {"Action":"X"}
--@ eval
return #Handlers.list
