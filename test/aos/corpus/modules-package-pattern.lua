local function load_module() local M = {} function M.hi() return 'hi' end return M end package.loaded['my.mod'] = load_module() return require('my.mod').hi()
--@ eval
return require('my.mod').hi()
