return tostring(pcall(dofile, 'nofile.lua'))
--@ eval
return select(2, loadfile('nofile.lua'))
