Balance = 10
--@ eval
Balance = 20 error('fails')
--@ eval
return Balance
--@ eval
Send({ Target = 'x' }) error('fails too')
--@ eval
return ao.reference .. #Errors
