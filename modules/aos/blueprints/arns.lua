-- arns: names of the Arweave Name System. Records come by messages, so a name that is not known yet gives nil and is asked
-- for; what is known is asked for again when it is a day old.
local json = require('json')

local REGISTRY = "TyduW6spZTr3gkdIsdktduJhgtilaR_ex5JukK8gI9o"
local ORACLE = "BaMK1dfayo75s3q1ow6AO64UDpD9SEFbeE8xYrY2fyQ"
local FEED = "8aE3_6NJ_MU_q3fbhz2S6dA8PKQOSCe95Gt7suQ3j7U"
local DAY = 24 * 60 * 60 * 1000

ID_TTL_MS, DATA_TTL_MS, OWNER_TTL_MS = ID_TTL_MS or DAY, DATA_TTL_MS or DAY, OWNER_TTL_MS or DAY

-- name -> { processId, lastUpdated, owner = { id, at }, contract = { records, at } }
NAMES = NAMES or {}
PROCESSES = PROCESSES or {}
local now = 0

local function split(name)
  local under, root = name:lower():match('^(.*)_([^_]+)$')
  if root then return root, under end
  return name:lower(), '@'
end

local function ask(name)
  ao.send({ Target = REGISTRY, Action = 'Get-Record', Name = name })
end

local function ask_info(record)
  ao.send({ Target = record.processId, Action = 'Info' })
end

-- The record of a name that is known and young enough; otherwise it is asked for, and `what` is said.
local function known(name, what)
  local record = NAMES[name]
  if not record then
    ask(name)
    print(name .. " has not been resolved yet. " .. what .. " Resolving now...")
    return nil
  end
  if now - record.lastUpdated >= ID_TTL_MS then
    ask(name)
    print(name .. " is being refreshed...")
    return nil
  end
  return record
end

local members = {}

function members.resolve(name)
  local root = split(name)
  ask(root)
  return "Getting information for name: " .. root
end

function members.id(name)
  local record = known(split(name), "Cannot get id.")
  return record and record.processId
end

function members.owner(name)
  local record = known(split(name), "Cannot get owner.")
  if not record then return nil end
  if not record.owner or now - record.owner.at >= OWNER_TTL_MS then
    ask_info(record)
    return nil
  end
  return record.owner.id
end

-- The transaction that a name, or under_name, points to.
function members.data(name)
  local root, under = split(name)
  local record = known(root, "")
  if not record then return nil end
  local contract = record.contract
  if not contract or now - contract.at >= DATA_TTL_MS then
    ask_info(record)
    ao.send({ Target = ORACLE, Action = 'Get-Real-Data', Url = 'https://arweave.net/' .. record.processId })
    return nil
  end
  local entry = contract.records[under] or contract.records['@']
  return type(entry) == 'table' and entry.transactionId or entry
end

ARNS = setmetatable({}, {
  __index = function (_, key)
    if key == 'clear' then
      NAMES, PROCESSES = {}, {}
      return "ArNS local name cache cleared."
    end
    return members[key]
  end,
})

Handlers.prepend('ArNS-Timers', function (msg)
  now = tonumber(msg.Timestamp) or now
  return 'continue'
end, function () end)

Handlers.add('ReceiveArNSGetRecordMessage', function (msg)
  return msg.Action == 'Record-Resolved' and msg.From == REGISTRY
end, function (msg)
  local ok, data = pcall(function () return type(msg.Data) == 'table' and msg.Data or json.decode(msg.Data) end)
  if not ok or type(data) ~= 'table' or not data.processId or not msg.Tags.Name then
    print("Record of an ArNS name could not be read.")
    return
  end
  local name = msg.Tags.Name:lower()
  NAMES[name] = NAMES[name] or {}
  NAMES[name].processId = data.processId
  NAMES[name].lastUpdated = now
  PROCESSES[data.processId] = name
  ask_info(NAMES[name])
  print("Updated " .. name .. " with the latest information!")
end)

Handlers.add('ReceiveANTProcessInfoMessage', function (msg)
  return msg.Action == 'Info-Notice' and PROCESSES[msg.From] ~= nil
end, function (msg)
  local record = NAMES[PROCESSES[msg.From]]
  -- Tag names arrive in Title-Case, whatever their sender wrote.
  local owner = msg.Tags.Processowner or msg.Tags.ProcessOwner
  if record and owner then record.owner = { id = owner, at = now } end
end)

Handlers.add('Receive0rbitMessage', function (msg)
  return msg.Action == 'Receive-data-feed' and msg.From == FEED
end, function (msg)
  local ok, data = pcall(function () return type(msg.Data) == 'table' and msg.Data or json.decode(msg.Data) end)
  if not ok or type(data) ~= 'table' or type(data.records) ~= 'table' then return end
  for _, record in pairs(NAMES) do
    if record.processId == data.processId or not record.contract then
      record.contract = { records = data.records, at = now }
    end
  end
end)
