Collected = 0 setmetatable({}, { __gc = function () Collected = Collected + 1 end }) collectgarbage() return Collected
--@ eval
return Collected
