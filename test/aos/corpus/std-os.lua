return type(os.time()) .. os.date('!%Y-%m-%d %H:%M:%S', 0) .. os.date('!%A %B %j %p', 86400) .. tostring(os.getenv('PATH')) .. os.difftime(10, 5)
--@ eval
local t = os.date('!*t', 1700000000) return table.concat({ t.year, t.month, t.day, t.hour, t.min, t.sec, t.wday, t.yday, tostring(t.isdst) }, ' ')
--@ eval
return os.time({ year = 2020, month = 1, day = 1, hour = 0 })
--@ eval
return os.date('!%c', 1000000) .. os.date('!%x %X', 1000000)
--@ eval
os.date('%Ez', 0)
--@ eval
return tostring(os.rename('a', 'b')) .. tostring(os.remove('nofile'))
