local p = require('.process') local old = p.handle package.loaded['.process'] = { _version = 'dev', handle = function (m, e) local r = old(m, e) if r.Output then r.Output.data = '[patched] ' .. tostring(r.Output.data) end return r end }
--@ eval
return 'x'
--@ message {"Action":"Y"}
