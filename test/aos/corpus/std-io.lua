return io.type(io.stdout) .. tostring(io.type(42)) .. type(io.stdin) .. tostring(io.write('x') == io.stdout)
--@ eval
return tostring(io.open('/nofile')) .. select(2, io.open('/nofile'))
--@ eval
io.lines('/nofile')
--@ eval
return type(io.stdout.write) .. type(io.stderr)
