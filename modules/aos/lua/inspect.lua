-- Looking at a process without touching it: no metamethod is called, no function runs, and what comes back is plain data that json
-- can encode. Meant for dry runs.
local state = require('.state')

local inspect = {}

local TEXT, ITEMS, DEPTH = 200, 50, 3

local function shorten(text)
  if #text <= TEXT then return text end
  return text:sub(1, TEXT) .. '... (' .. #text .. ' bytes)'
end

local function count(t)
  local n = 0
  for _ in next, t do n = n + 1 end
  return n
end

local function describe_function(fn)
  local info = debug.getinfo(fn, 'S')
  if info.what == 'C' then return 'function (built in)' end
  return 'function at ' .. info.short_src .. ':' .. info.linedefined
end

local function key_text(key)
  if type(key) == 'string' then return shorten(key) end
  if type(key) == 'number' or type(key) == 'boolean' then return '[' .. tostring(key) .. ']' end
  return '[' .. type(key) .. ']'
end

-- Keys in a fixed order: numbers, then the rest by their text.
local function sorted_keys(t)
  local keys = {}
  for key in next, t do keys[#keys + 1] = key end
  table.sort(keys, function (a, b)
    local na, nb = type(a) == 'number', type(b) == 'number'
    if na and nb then return a < b end
    if na ~= nb then return na end
    return key_text(a) < key_text(b)
  end)
  return keys
end

local function show(value, depth, open)
  local kind = type(value)
  if kind == 'string' then return shorten(value) end
  if kind == 'number' then
    if value ~= value or value == math.huge or value == -math.huge then return tostring(value) end
    return value
  end
  if kind == 'boolean' then return value end
  if kind == 'function' then return describe_function(value) end
  if kind == 'thread' then return 'coroutine (' .. coroutine.status(value) .. ')' end
  if kind ~= 'table' then return kind end
  if open[value] then return 'table (again)' end
  if depth <= 0 then return 'table of ' .. count(value) end
  open[value] = true
  local shown, n = {}, 0
  for _, key in ipairs(sorted_keys(value)) do
    n = n + 1
    if n > ITEMS then
      shown['...'] = count(value) - ITEMS .. ' more'
      break
    end
    shown[key_text(key)] = show(rawget(value, key), depth - 1, open)
  end
  open[value] = nil
  return shown
end

-- value(v[, depth]): any value as plain data.
function inspect.value(value, depth) return show(value, depth or DEPTH, {}) end

-- get("Balances.alice"[, depth]): what a path of names leads to, from the globals.
function inspect.get(path, depth)
  local value = _G
  for name in path:gmatch('[^.]+') do
    if type(value) ~= 'table' then return nil end
    local found = rawget(value, name)
    if found == nil and tonumber(name) then found = rawget(value, tonumber(name)) end
    value = found
  end
  return inspect.value(value, depth)
end

-- globals(): the user's own, each with its type and how much is in it.
function inspect.globals()
  local list = {}
  local own = state.globals()
  for _, name in ipairs(sorted_keys(own)) do
    local value = own[name]
    local entry = { name = key_text(name), type = type(value) }
    if type(value) == 'table' then
      entry.size = count(value)
    elseif type(value) == 'string' then
      entry.size = #value
    else
      entry.value = inspect.value(value)
    end
    list[#list + 1] = entry
  end
  return list
end

-- overview(): the process in a nutshell.
function inspect.overview()
  return {
    id = ao.id, owner = Owner, name = Name, module = ao._module, version = require('.process')._version,
    inbox = #Inbox, handlers = #Handlers.list, waiting = #Handlers.coroutines, reference = ao.reference,
    authorities = inspect.value(ao.authorities), globals = inspect.globals(),
    memory = math.floor(collectgarbage('count') * 1024),
  }
end

return inspect
