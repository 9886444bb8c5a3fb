-- ao: what a process is, and what leaves it. `ao.outbox` collects the result of the message in hand.
local json = require('json')

local previous = _G.ao or {}

local ao = {
  _version = "0.0.6",
  id = previous.id or "",
  _module = previous._module or "",
  authorities = previous.authorities or {},
  reference = previous.reference or 0,
  outbox = previous.outbox or { Output = {}, Messages = {}, Spawns = {}, Assignments = {} },
  env = previous.env,
  assignables = previous.assignables,
  Nonce = previous.Nonce,
  nonExtractableTags = {
    'Data-Protocol', 'Variant', 'From-Process', 'From-Module', 'Type', 'From', 'Owner', 'Anchor', 'Target', 'Data', 'Tags',
    'Read-Only',
  },
  nonForwardableTags = {
    'Data-Protocol', 'Variant', 'From-Process', 'From-Module', 'Type', 'From', 'Owner', 'Anchor', 'Target', 'Tags', 'TagArray',
    'Hash-Chain', 'Timestamp', 'Nonce', 'Epoch', 'Signature', 'Forwarded-By', 'Pushed-For', 'Read-Only', 'Cron',
    'Block-Height', 'Reference', 'Id', 'Reply-To',
  },
}

-- What the scheduler says about a message; a tag of that name does not replace it.
local SCHEDULERS = {
  Id = true, Timestamp = true, ['Block-Height'] = true, ['Hash-Chain'] = true, Nonce = true, Epoch = true, Module = true,
  Cron = true, Slot = true,
}

local function contains(list, wanted)
  for i = 1, #list do
    if list[i] == wanted then return true end
  end
  return false
end

local function set_of(list)
  local set = {}
  for _, name in ipairs(list) do set[name] = true end
  return set
end

-- A deep copy, keys and metatables included.
function ao.clone(value, seen)
  if type(value) ~= 'table' then return value end
  seen = seen or {}
  if seen[value] then return seen[value] end
  local copy = {}
  seen[value] = copy
  for k, v in next, value do copy[ao.clone(k, seen)] = ao.clone(v, seen) end
  return setmetatable(copy, getmetatable(value))
end

-- Tags become fields of the message, the last of a name wins.
function ao.normalize(msg)
  local apart = set_of(ao.nonExtractableTags)
  local given = {}
  for name in pairs(SCHEDULERS) do given[name] = msg[name] ~= nil end
  for _, tag in ipairs(msg.Tags) do
    local name = tag.name
    if name ~= nil and not apart[name] and not given[name] then msg[name] = tag.value end
  end
  return msg
end

-- A copy without what belongs to this one delivery.
function ao.sanitize(msg)
  local copy = ao.clone(msg)
  for _, name in ipairs(ao.nonForwardableTags) do copy[name] = nil end
  return copy
end

function ao.clearOutbox()
  ao.outbox = { Output = {}, Messages = {}, Spawns = {}, Assignments = {} }
end

local function add_authorities(list)
  for part in list:gmatch('[^,]+') do
    if not contains(ao.authorities, part) then table.insert(ao.authorities, part) end
  end
end

function ao.init(env)
  if ao.id == "" then ao.id = env.Process.Id end
  local find_module = ao._module == ""
  for _, tag in ipairs(env.Process.Tags) do
    if find_module and tag.name == 'Module' then ao._module = tag.value end
    if tag.name == 'Authority' and type(tag.value) == 'string' then add_authorities(tag.value) end
  end
  ao.clearOutbox()
  ao.env = env
end

function ao.log(value)
  if type(ao.outbox.Output) ~= 'table' then ao.outbox.Output = { ao.outbox.Output } end
  table.insert(ao.outbox.Output, value)
end

---- sending ----

local NOT_TAGS = { Target = true, Data = true, Anchor = true, Tags = true, From = true }

-- Fields become tags, then come the tags that were given, as a list or as a map.
local function add_tags(tags, t)
  for name, value in pairs(t) do
    if not NOT_TAGS[name] then tags[#tags + 1] = { name = name, value = value } end
  end
  if t.Tags == nil then return end
  if t.Tags[1] ~= nil then
    for _, tag in ipairs(t.Tags) do tags[#tags + 1] = tag end
  else
    for name, value in pairs(t.Tags) do tags[#tags + 1] = { name = name, value = value } end
  end
end

local function next_reference()
  ao.reference = ao.reference + 1
  return tostring(math.tointeger(ao.reference) or ao.reference)
end

local function anchor_of(reference)
  return ('0'):rep(32 - #reference) .. reference
end

local function encode_data(t)
  if type(t) == 'table' and type(t.Data) == 'table' then
    t['Content-Type'] = 'application/json'
    t.Data = json.encode(t.Data)
  end
end

local function reply_pattern(from, reference)
  return { From = from, ['X-Reference'] = reference }
end

function ao.send(msg)
  assert(type(msg) == 'table', 'msg should be a table')
  encode_data(msg)
  local reference = next_reference()
  local message = {
    Target = msg.Target,
    Data = msg.Data,
    Anchor = anchor_of(reference),
    Tags = {
      { name = 'Data-Protocol', value = 'ao' },
      { name = 'Variant', value = 'ao.TN.1' },
      { name = 'Type', value = 'Message' },
      { name = 'Reference', value = reference },
    },
  }
  add_tags(message.Tags, msg)
  if not _G.Handlers then return message end
  table.insert(ao.outbox.Messages, {
    Target = message.Target, Data = message.Data, Anchor = message.Anchor, Tags = message.Tags,
  })

  local target = message.Target
  -- onReply([from,] resolver)
  message.onReply = function (...)
    local from, resolver = ...
    if select('#', ...) < 2 then from, resolver = target, from end
    Handlers.once(reply_pattern(from or target, reference), resolver)
  end
  -- receive([from]) waits for the reply.
  message.receive = function (from)
    return Handlers.receive(reply_pattern(from or target, reference))
  end
  return message
end

function ao.spawn(module, msg)
  assert(type(module) == 'string', 'Module source id is required!')
  assert(type(msg) == 'table', 'Message must be a table')
  encode_data(msg)
  local reference = next_reference()
  local spawn = {
    Data = msg.Data or 'NODATA',
    Anchor = anchor_of(reference),
    Tags = {
      { name = 'Data-Protocol', value = 'ao' },
      { name = 'Variant', value = 'ao.TN.1' },
      { name = 'Type', value = 'Process' },
      { name = 'From-Process', value = ao.id },
      { name = 'From-Module', value = ao._module },
      { name = 'Module', value = module },
      { name = 'Reference', value = reference },
    },
  }
  add_tags(spawn.Tags, msg)
  if not _G.Handlers then return spawn end
  table.insert(ao.outbox.Spawns, { Data = spawn.Data, Anchor = spawn.Anchor, Tags = spawn.Tags })

  local spawned = { Action = 'Spawned', From = ao.id, Reference = reference }
  spawn.onReply = function (resolver) Handlers.once(spawned, resolver) end
  spawn.receive = function () return Handlers.receive(spawned) end
  return spawn
end

function ao.assign(assignment)
  assert(type(assignment) == 'table', 'assignment should be a table')
  assert(type(assignment.Processes) == 'table', 'Processes should be a table')
  assert(type(assignment.Message) == 'string', 'Message should be a string')
  table.insert(ao.outbox.Assignments, assignment)
end

---- judging ----

function ao.isTrusted(msg)
  return contains(ao.authorities, msg.From) or contains(ao.authorities, msg.Owner)
end

function ao.result(result)
  if ao.outbox.Error or result.Error then
    return { Error = result.Error or ao.outbox.Error }
  end
  return {
    Output = result.Output or ao.outbox.Output,
    Messages = ao.outbox.Messages,
    Spawns = ao.outbox.Spawns,
    Assignments = ao.outbox.Assignments,
  }
end

-- Hints of routes, which nothing here uses.
function ao.registerHint() end

_G.ao = ao
package.loaded['ao'] = ao
return ao
