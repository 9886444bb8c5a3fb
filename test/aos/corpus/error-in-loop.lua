for i = 1, 3 do print(i) if i == 2 then error('at ' .. i) end end
--@ eval
return 'state ' .. tostring(i)
