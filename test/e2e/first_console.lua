-- The dialect of the first aos console, the one that npm has: its owner's code comes in the tags function=eval and
-- expression, and it shows Output.data.output and, as the prompt, Output.data.prompt .. "> ". Load this into a process
-- of today's aos, and that console can live in it.
local said

Handlers.prepend("first-console", function(msg)
  return msg.From == Owner and msg.Tags.Function == "eval"
end, function(msg)
  local code = msg.Tags.Expression
  local eval = load("return " .. code) or load(code)
  local ok, value, wrong = pcall(eval or error, not eval and select(2, load(code)) or nil)
  if not ok or wrong then
    said = "error: " .. tostring(wrong or value)
  else
    said = type(value) == "table" and require(".stringify").format(value) or tostring(value)
  end
end)

local result = ao.result
function ao.result(t)
  if said then t.Output, said = { data = { output = said, prompt = Name .. "(" .. #Inbox .. ")" } }, nil end
  return result(t)
end

return "speaks to the first console"
