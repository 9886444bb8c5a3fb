-- chat: DevChat, the side of one who takes part in rooms. An index (the Router) knows the rooms; rooms are chatroom processes.
DevChat = DevChat or {}
DevChat.Router = DevChat.Router or "8MGp9kOU4JYxAlPT1AyL7O3cedd97y-w8X4ciBsf_Xo"
DevChat.InitRoom = DevChat.InitRoom or "6I1JBBc9SOMtqFxlX7OoYgsMh7QeZk2fFwUCHTUqshg"
DevChat.LastSend = DevChat.LastSend or DevChat.InitRoom
DevChat.LastReceive = DevChat.LastReceive or { Room = DevChat.InitRoom, Sender = nil }
DevChat.InitRooms = DevChat.InitRooms or { [DevChat.InitRoom] = 'Getting-Started' }
DevChat.Rooms = DevChat.Rooms or DevChat.InitRooms
if DevChat.Confirmations == nil then DevChat.Confirmations = true end

local gray, blue, green, red, reset = Colors.gray, Colors.blue, Colors.green, Colors.red, Colors.reset

-- The address of a room by its name; an address is its own.
function DevChat.findRoom(target)
  for address, name in pairs(DevChat.Rooms) do
    if name == target then return address end
  end
  return target
end

-- Lists a room of ours in the index.
function DevChat.add(name, address)
  ao.send({ Target = DevChat.Router, Action = 'Register', Name = name or Name, Address = address or ao.id })
end

local function room_name(address) return DevChat.Rooms[address] or tostring(address) end

function List()
  ao.send({ Target = DevChat.Router, Action = 'Get-List' })
  return gray .. "Getting the room list from the DevChat index..." .. reset
end

function Join(room, nick)
  local address = DevChat.findRoom(room)
  ao.send({ Target = address, Action = 'Register', Nickname = nick or ao.id })
  return gray .. "Registering with room " .. blue .. room .. gray .. "..." .. reset
end

function Say(text, room, ...)
  local address = room and DevChat.findRoom(room) or DevChat.LastSend
  DevChat.LastSend = address
  ao.send({ Target = address, Action = 'Broadcast', Data = text })
  if not DevChat.Confirmations then return "" end
  return gray .. "Broadcasting to " .. blue .. room_name(address) .. gray .. "..." .. reset
end

function Tip(recipient, room, quantity)
  local address = room and DevChat.findRoom(room) or DevChat.LastReceive.Room
  recipient = recipient or DevChat.LastReceive.Sender
  quantity = tostring(quantity or 1)
  ao.send({ Target = address, Action = 'Transfer', Recipient = recipient, Quantity = quantity })
  return gray .. "Sent tip of " .. green .. quantity .. gray .. " to " .. red .. tostring(recipient) .. gray .. " in room " ..
    blue .. room_name(address) .. gray .. "." .. reset
end

function Replay(depth, room)
  local address = room and DevChat.findRoom(room) or DevChat.LastReceive.Room
  depth = tostring(depth or 3)
  ao.send({ Target = address, Action = 'Replay', Depth = depth })
  return gray .. "Requested replay of the last " .. green .. depth .. gray .. " messages from " .. blue ..
    room_name(address) .. gray .. "." .. reset
end

function Leave(room)
  local address = DevChat.findRoom(room)
  ao.send({ Target = address, Action = 'Unregister' })
  return gray .. "Leaving room " .. blue .. room .. gray .. "..." .. reset
end

function help()
  local lines = {
    gray .. "DevChat: rooms for those who build on ao." .. reset,
    "  " .. blue .. "List()" .. reset .. "                  the rooms",
    "  " .. blue .. 'Join("Room", "nick")' .. reset .. "    take part in a room",
    "  " .. blue .. 'Say("text", "Room")' .. reset .. "     say something, without a room in the last one",
    "  " .. blue .. "Tip(address, room, n)" .. reset .. "   send tokens of the room",
    "  " .. blue .. 'Replay(3, "Room")' .. reset .. "       show the last messages again",
    "  " .. blue .. 'Leave("Room")' .. reset .. "           leave",
  }
  return table.concat(lines, "\n")
end
DevChat.help = help

-- [nick#abc@Room]> text
Handlers.add('DevChat-Broadcasted', Handlers.utils.hasMatchingTag('Action', 'Broadcasted'), function (msg)
  local sender = msg.Tags.Broadcaster or msg.From
  local nick = (msg.Tags.Nickname or sender):sub(1, 10)
  local room = room_name(msg.From)
  if sender == ao.id then
    if not DevChat.Confirmations then return end
    print(gray .. "[Received confirmation of your broadcast in " .. blue .. room .. gray .. ".]" .. reset)
  end
  print(gray .. "[" .. red .. nick .. gray .. "#" .. sender:sub(1, 3) .. "@" .. blue .. room .. gray .. "]> " .. green ..
    tostring(msg.Data) .. reset)
  DevChat.LastReceive.Room = msg.From
  DevChat.LastReceive.Sender = sender
end)

Handlers.add('DevChat-List', function (msg)
  return msg.Action == 'Room-List' and msg.From == DevChat.Router
end, function (msg)
  local rooms, names = {}, {}
  for _, tag in ipairs(msg.TagArray) do
    local name = tag.name:match('^Room%-(.+)$')
    if name then
      rooms[tag.value] = name
      names[#names + 1] = name
    end
  end
  DevChat.Rooms = rooms
  table.sort(names)
  local lines = { "👋 The following rooms are currently available on DevChat:\n" }
  for _, name in ipairs(names) do lines[#lines + 1] = "        " .. blue .. name .. reset end
  lines[#lines + 1] = "\nJoin a room by running `" .. green .. 'Join("chatName"[, "yourNickname"])' .. reset ..
    "`, leave it with `" .. green .. 'Leave("chatName")' .. reset .. "`."
  print(table.concat(lines, "\n"))
end)

if not DevChatRegistered then
  DevChatRegistered = true
  Join(DevChat.InitRoom)
  return help()
end
return "DevChat is up to date."
