Handlers.remove('_eval')
--@ eval
return 'back'
