-- chatroom: members get what anybody broadcasts.
Members = Members or {}

local function position(address)
  for i, member in ipairs(Members) do
    if member == address then return i end
  end
end

Handlers.add('register', 'Register', function (msg)
  if position(msg.From) then
    msg.reply({ Data = 'Already registered.' })
  else
    table.insert(Members, msg.From)
    msg.reply({ Data = 'Registered.' })
  end
end)

Handlers.add('unregister', 'Unregister', function (msg)
  local at = position(msg.From)
  if at then table.remove(Members, at) end
  msg.reply({ Data = at and 'Unregistered' or 'Not registered' })
end)

Handlers.add('broadcast', 'Broadcast', function (msg)
  local sent = {}
  for _, member in ipairs(Members) do
    if not sent[member] then
      sent[member] = true
      ao.send({ Target = member, Action = 'Broadcast-Notice', Data = msg.Data })
    end
  end
  msg.reply({ Data = 'Broadcasted.' })
end)
