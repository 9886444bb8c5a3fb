local a = 1
local b = nil
return a + b
--@ eval
local function inner()
  error('deep')
end
local function outer()
  inner()
end
outer()
--@ eval

x = 5
local y = x.z.w
