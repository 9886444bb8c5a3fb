return (('hello world'):gsub('o', '0')) .. (('abc'):gsub('%w', '%0%0')) .. (('abc def'):gsub('(%w+) (%w+)', '%2 %1')) .. (('$name'):gsub('%$(%w+)', { name = 'bob' })) .. (('abc'):gsub('', '-'))
--@ eval
return ('abc'):gsub('b', '%2')
--@ eval
return ('abc'):gsub('b', '%')
--@ eval
return (('x=1,y=2'):gsub('(%w)=(%w)', function (k, v) return v .. '=' .. k end, 1))
--@ eval
return ('abc'):gsub('.', function () return {} end)
