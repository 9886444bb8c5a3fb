local t = {} t()
--@ eval
('x')()
--@ eval
(1)()
--@ eval
local a = { b = {} } a.b.c()
--@ eval
local a = { b = {} } a.b:c()
--@ eval
nil()
