local k = {} for n, v in pairs(package.loaded) do if n:sub(1, 8) ~= '.crypto.' then k[#k + 1] = n end end table.sort(k) local want = {} for _, n in ipairs({ '.ao', '.assignment', '.base64', '.boot', '.chance', '.crypto', '.default', '.dump', '.eval', '.handlers', '.handlers-utils', '.pretty', '.process', '.stringify', '.utils', 'ao', 'json' }) do want[#want + 1] = n .. '=' .. type(package.loaded[n]) end return table.concat(want, ' ')
--@ eval
return require('.handlers') == Handlers and require('.utils') == Utils and require('.ao') == ao and 'same'
--@ eval
return require('nope')
