coroutine.yield(1)
--@ eval
coroutine.yield('x')
--@ eval
return 'after'
