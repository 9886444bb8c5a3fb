-- The inbox: the global list `Inbox`, oldest first, which scripts may use as they like. Here are its bound and ways to look
-- through it.
local Utils = require('.utils')

local LIMIT = 10000

local inbox = { _limit = LIMIT }

local function drop_oldest(over)
  if over <= 0 then return end
  local count = #Inbox
  table.move(Inbox, over + 1, count, 1)
  for i = count - over + 1, count do Inbox[i] = nil end
end

function inbox.add(msg)
  table.insert(Inbox, msg)
  drop_oldest(#Inbox - inbox._limit)
end

-- limit([n]): how many messages are kept; the oldest go first.
function inbox.limit(n)
  if n ~= nil then
    assert(math.type(n) == 'integer' and n >= 0, 'limit should be a number of messages')
    inbox._limit = n
    drop_oldest(#Inbox - n)
  end
  return inbox._limit
end

local function matches(msg, spec)
  if spec == nil then return true end
  local result = Utils.matchesSpec(msg, spec)
  return result and result ~= 0 and result ~= 'skip'
end

-- find([spec[, most]]): the messages that match, newest first.
function inbox.find(spec, most)
  local found = {}
  for i = #Inbox, 1, -1 do
    if most and #found >= most then break end
    if matches(Inbox[i], spec) then found[#found + 1] = Inbox[i] end
  end
  return found
end

-- last([spec]): the newest that matches.
function inbox.last(spec) return inbox.find(spec, 1)[1] end

function inbox.count(spec) return #inbox.find(spec) end

-- take([spec]): removes those that match, and returns them, oldest first.
function inbox.take(spec)
  local taken, kept = {}, {}
  for _, msg in ipairs(Inbox) do
    local list = matches(msg, spec) and taken or kept
    list[#list + 1] = msg
  end
  for i = 1, math.max(#Inbox, #kept) do Inbox[i] = kept[i] end
  return taken
end

return inbox
