-- What happens to a message that no handler took: it goes to the inbox, and a line says so.
local json = require('json')
local inbox = require('.inbox')

local gray, green, blue, reset = "\27[90m", "\27[32m", "\27[34m", "\27[0m"

local function short(value)
  if type(value) == 'table' then
    local ok, text = pcall(json.encode, value)
    value = ok and text or tostring(value)
  end
  return tostring(value or ""):sub(1, 20)
end

return function (msg)
  inbox.add(msg)
  local from = type(msg.From) == 'string' and msg.From:sub(1, 3) .. "..." .. msg.From:sub(-3) or "unknown"
  local what
  if msg.Action then
    what = gray .. "Action = " .. blue .. short(msg.Action)
  else
    what = gray .. "Data = " .. blue .. short(msg.Data)
  end
  print(gray .. "New Message From " .. green .. from .. gray .. ": " .. what .. reset)
end
