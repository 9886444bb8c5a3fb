return type(package.loaded) .. type(package.preload) .. package.config:sub(1, 1) .. #package.searchers .. package.path
--@ eval
package.preload.mymod = function (n) return { name = n } end return require('mymod').name .. tostring(require('mymod') == require('mymod'))
--@ eval
package.loaded.fake = { v = 1 } return require('fake').v
--@ eval
return tostring(pcall(require, 'missing.module'))
--@ eval
return select(2, package.loadlib('x', 'y')) and 'no loadlib'
