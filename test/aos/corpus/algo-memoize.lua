local memo = {} local function fib(n) if n < 3 then return 1 end if not memo[n] then memo[n] = fib(n - 1) + fib(n - 2) end return memo[n] end return fib(80) .. ' ' .. fib(90)
