-- minimal
local process = { _version = "2.0.4" }
function process.handle(msg, env)
  local f, err = load("return " .. msg.Data, "aos")
  if not f then return { Error = err } end
  return { Output = { data = tostring(f()) }, Messages = {} }
end
return process
