return pcall(function () return 1 // 0 end)
--@ eval
local ok, e = pcall(function () return 1 % 0 end) return e
--@ eval
1 // 0
