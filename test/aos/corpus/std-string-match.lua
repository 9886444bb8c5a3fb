return ('2024-01-15'):match('(%d+)-(%d+)-(%d+)') .. tostring(('abc'):match('%d')) .. ('  trim  '):match('^%s*(.-)%s*$') .. ('f(a(b)c)d'):match('%b()') .. ('THE (quick) fox'):find('%((%a+)%)')
--@ eval
return ('hello'):match('()ll()')
--@ eval
return ('[[x]]'):match('%[%[(.*)%]%]') .. ('a,b,,c'):gsub(',', ';')
--@ eval
return ('THE (quick) fox'):gsub('%f[%a]%a+', function (w) return w:lower() end)
