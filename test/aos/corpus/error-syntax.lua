if x
--@ eval
x = = 1
--@ eval
local function
--@ eval
return return
--@ eval
'unfinished
--@ eval
[[unfinished
--@ eval
end
--@ eval
local 1 = 2
--@ eval
x = }
--@ eval
break
--@ eval
::a:: ::a::
--@ eval
for i in do end
--@ eval
return "\q"
--@ eval
return 0x
--@ eval
return 3..2
--@ eval
f(
--@ eval
x = 'a\400'
--@ eval
@
