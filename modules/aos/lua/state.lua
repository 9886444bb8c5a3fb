-- What of all that is in a process is its own, and what came with the runtime. Taken down when the runtime has loaded.
local state = { original = nil, fields = nil }

-- Globals that the runtime keeps changing; .migrate knows them one by one.
local KEPT = { HANDLER_PRINT_LOGS = true, Inbox = true, Errors = true, Owner = true, Name = true, Seeded = true, ao = true,
  Handlers = true, _G = true, Nonce = true }

-- Fields of the runtime's tables that change by themselves.
local CHANGING = {
  ao = { id = true, _module = true, authorities = true, reference = true, outbox = true, env = true, assignables = true,
    Nonce = true, addAssignable = true, removeAssignable = true, isAssignment = true, isAssignable = true },
  Handlers = { list = true, coroutines = true, onceNonce = true, failure = true },
  math = { random = true }, os = { time = true }, package = { loaded = true, preload = true, searchers = true },
}

local function copy(t)
  local fields = {}
  for key, value in next, t do fields[key] = value end
  return fields
end

function state.take_down()
  state.original, state.fields = copy(_G), {}
  for name, value in pairs(_G) do
    if type(value) == 'table' and name ~= '_G' and not (KEPT[name] and name ~= 'ao' and name ~= 'Handlers') then
      state.fields[name] = copy(value)
    end
  end
end

-- What the user has put into, or changed in, the runtime's tables: name of the table -> fields.
function state.additions()
  local all = {}
  for name, original in pairs(state.fields) do
    local added = {}
    for key, value in next, type(_G[name]) == 'table' and _G[name] or {} do
      if original[key] ~= value and not (CHANGING[name] and CHANGING[name][key]) then added[key] = value end
    end
    if next(added) ~= nil then all[name] = added end
  end
  return all
end

-- The globals that are the user's: new ones, and those of the runtime that were replaced.
function state.globals()
  local own = {}
  for name, value in pairs(_G) do
    if not KEPT[name] and state.original[name] ~= value then own[name] = value end
  end
  return own
end

-- Names of globals of the runtime that the user has removed.
function state.removed()
  local names = {}
  for name in pairs(state.original) do
    if not KEPT[name] and rawget(_G, name) == nil then names[#names + 1] = name end
  end
  return names
end

-- Packages that did not come with the runtime.
function state.packages()
  local own = {}
  for name, value in pairs(package.loaded) do
    if type(name) == 'string' and name:sub(1, 1) ~= '.' and not state.original[name] and name ~= 'json' and name ~= '_G' then
      own[name] = value
    end
  end
  return own
end

return state
