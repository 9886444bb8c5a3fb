Counter = (Counter or 0) + 1 return Counter
--@ eval
Counter = (Counter or 0) + 1 return Counter
--@ eval
local Counter = 99 return Counter
--@ eval
return Counter
