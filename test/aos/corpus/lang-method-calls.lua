local obj = { n = 0 } function obj:add(k) self.n = self.n + k return self end return obj:add(1):add(2).n .. ('x'):rep(3) .. ("%d"):format(7)
--@ eval
local obj = {} obj:missing()
--@ eval
local s = 'x' s:nomethod()
