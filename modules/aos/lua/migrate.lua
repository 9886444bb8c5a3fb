-- Moving a process into another build of this module: export() writes its state as a text, import(text) takes it over.
--
-- The state is what the user put there: globals, handlers, packages, the inbox, and whatever hangs on them: tables with
-- their metatables, cycles and sharing; functions as bytecode with their upvalues. What belongs to the runtime is written by its
-- name and found again on the other side. Coroutines that wait cannot move; they are counted, and their handlers stay behind.
--
-- A process may have its word: Migrate.export() is called before, Migrate.import(from) after, `from` being the version
-- that wrote the text. An error there, as anywhere in import, fails the message, and the host keeps the state as it was.
--
-- A compute unit that can exchange the module of a process in place does both (docs/formats/migration.md): for the owner's
-- Migrate.Module it takes the field Migration of the answer and gives it to the new module as a Migrate.Import.
local json = require('json')
local base64 = require('.base64')
local state = require('.state')
local _, native = ...

local migrate = { _version = 1 }

-- Everything that both sides have, by name: the standard libraries and the runtime's modules, two levels down.
local function runtime_names()
  local names, objects = {}, {}
  local function add(value, name)
    local kind = type(value)
    if (kind == 'table' or kind == 'function' or kind == 'userdata') and not names[value] then
      names[value] = name
      objects[name] = value
      return kind == 'table'
    end
  end
  add(_G, '_G')
  local modules = {}
  for name, value in pairs(package.loaded) do
    if name:sub(1, 1) == '.' or state.original[name] == value or name == 'json' then modules[#modules + 1] = name end
  end
  table.sort(modules)
  for _, name in ipairs(modules) do
    local module = package.loaded[name]
    if name ~= '_G' and add(module, 'm:' .. name) then
      for key, value in pairs(module) do
        -- Functions that the user has put there are not the runtime's.
        local fields = state.fields[name]
        if type(key) == 'string' and type(value) == 'function' and (not fields or fields[key] == value) then
          add(value, 'm:' .. name .. ':' .. key)
        end
      end
    end
  end
  for name, value in pairs(state.original) do
    if type(value) == 'function' then add(value, 'g:' .. name) end
  end
  add(getmetatable(''), 'string metatable')
  return names, objects
end

---- writing ----

local function text_of(s)
  if utf8.len(s) then return 's' .. s end
  return 'b' .. base64.encode(s)
end

local function number_of(n)
  if math.type(n) == 'integer' then return string.format('i%d', n) end
  return string.format('f%a', n)
end

local Writer = {}
Writer.__index = Writer

function Writer:value(v)
  local kind = type(v)
  if kind == 'nil' then return 'n' end
  if kind == 'boolean' then return v end
  if kind == 'string' then return text_of(v) end
  if kind == 'number' then return number_of(v) end
  if self.names[v] then return '@' .. self.names[v] end
  if kind == 'table' or kind == 'function' then return '#' .. self:node(v) end
  self.lost = self.lost + 1
  return 'n'
end

-- The number of the node that describes a table or function; each is written once.
function Writer:node(v)
  if self.known[v] then return self.known[v] end
  local node, n = {}, #self.nodes + 1
  self.nodes[n], self.known[v] = node, n
  if type(v) == 'function' then
    self:write_function(node, v, n)
  else
    self:write_table(node, v)
  end
  return n
end

-- The functions that the runtime gives every message: the other side's will do.
local function is_runtimes_reply(key, value)
  return (key == 'reply' or key == 'forward') and type(value) == 'function' and debug.getinfo(value, 'S').source == '.process'
end

function Writer:write_table(node, t)
  local pairs_ = {}
  for key, value in next, t do
    if is_runtimes_reply(key, value) then
      node.r = true
    elseif type(key) ~= 'thread' and type(value) ~= 'thread' then
      pairs_[#pairs_ + 1] = self:value(key)
      pairs_[#pairs_ + 1] = self:value(value)
    end
  end
  node.t = pairs_
  local meta = getmetatable(t)
  if type(meta) == 'table' then node.m = self:value(meta) end
end

-- Upvalues that several functions share are written with the first and joined on the other side.
function Writer:write_function(node, f, n)
  if debug.getinfo(f, 'S').what == 'C' then
    self.lost = self.lost + 1
    node.t = {}
    return
  end
  node.f = base64.encode(string.dump(f))
  node.u, node.j = {}, {}
  for i = 1, math.huge do
    local name, value = debug.getupvalue(f, i)
    if not name then break end
    local id = debug.upvalueid(f, i)
    if self.upvalues[id] then
      node.u[i] = 'n'
      node.j[#node.j + 1] = { i, self.upvalues[id][1], self.upvalues[id][2] }
    else
      self.upvalues[id] = { n, i }
      node.u[i] = self:value(value)
    end
  end
end

local function own_handlers()
  local list, waiting = {}, 0
  for _, entry in ipairs(Handlers.list) do
    if entry.name:match('^_once_%d+$') then
      waiting = waiting + 1
    elseif entry.name ~= '_eval' and entry.name ~= '_default' and entry.name ~= '_boot' then
      list[#list + 1] = entry
    end
  end
  return list, waiting
end

-- The state as a text; and what could not be written: {coroutines, values}.
function migrate.export()
  if type(Migrate) == 'table' and Migrate.export then Migrate.export() end
  local names = runtime_names()
  local w = setmetatable({ names = names, nodes = {}, known = {}, upvalues = {}, lost = 0 }, Writer)
  local handlers, waiting = own_handlers()
  local roots = {
    globals = w:value(state.globals()), additions = w:value(state.additions()), removed = w:value(state.removed()), packages = w:value(state.packages()),
    handlers = w:value(handlers), inbox = w:value(Inbox), errors = w:value(Errors), owner = w:value(Owner),
    name = w:value(Name), reference = w:value(ao.reference), authorities = w:value(ao.authorities),
    assignables = w:value(ao.assignables), once = w:value(Handlers.onceNonce), seeded = w:value(Seeded),
    random = w:value(native.random_state()), limit = w:value(require('.inbox').limit()),
  }
  local lost = { coroutines = waiting, values = w.lost }
  local text = json.encode({ aos = migrate._version, from = require('.process')._version, lost = lost, roots = roots, nodes = w.nodes })
  return text, lost
end

---- reading ----

local Reader = {}
Reader.__index = Reader

function Reader:value(v)
  if type(v) ~= 'string' then return v end
  local kind, rest = v:sub(1, 1), v:sub(2)
  if kind == 's' then return rest end
  if kind == 'b' then return base64.decode(rest) end
  if kind == 'i' then return math.tointeger(tonumber(rest)) end
  if kind == 'f' then
    if rest:find('inf') then return rest:sub(1, 1) == '-' and -math.huge or math.huge end
    return rest:find('nan') and 0 / 0 or tonumber(rest)
  end
  if kind == '#' then return self.made[tonumber(rest)] end
  if kind == '@' then
    local object = self.objects[rest]
    if object == nil then error('this module has no ' .. rest, 0) end
    return object
  end
  return nil
end

function Reader:make()
  for i, node in ipairs(self.nodes) do
    if node.f then
      local f, err = load(base64.decode(node.f), 'aos', 'b', _G)
      if not f then error('a function cannot be taken over: ' .. tostring(err), 0) end
      self.made[i] = f
    else
      self.made[i] = {}
    end
  end
end

function Reader:fill()
  for i, node in ipairs(self.nodes) do
    local made = self.made[i]
    if node.f then
      for k, value in ipairs(node.u) do debug.setupvalue(made, k, self:value(value)) end
    else
      for k = 1, #node.t, 2 do
        local key = self:value(node.t[k])
        if key ~= nil then rawset(made, key, self:value(node.t[k + 1])) end
      end
    end
  end
  for i, node in ipairs(self.nodes) do
    for _, join in ipairs(node.j or {}) do debug.upvaluejoin(self.made[i], join[1], self.made[join[2]], join[3]) end
    if node.r then require('.process').attach_replies(self.made[i]) end
    if node.m then setmetatable(self.made[i], self:value(node.m)) end
  end
end

-- A new process has been through its first message, which may have left something that the state has not.
local function clear()
  for name in pairs(state.globals()) do _G[name] = state.original[name] end
  for name in pairs(state.packages()) do package.loaded[name] = nil end
  for name, fields in pairs(state.additions()) do
    for key in pairs(fields) do rawset(_G[name], key, state.fields[name][key]) end
  end
  for i = #Handlers.list, 1, -1 do
    if not Handlers.list[i].name:match('^_%l') then table.remove(Handlers.list, i) end
  end
  Handlers.coroutines = {}
end

local function add_handlers(list)
  for _, entry in ipairs(list) do
    for i = #Handlers.list, 1, -1 do
      if Handlers.list[i].name == entry.name then table.remove(Handlers.list, i) end
    end
    table.insert(Handlers.list, entry)
  end
end

-- Takes over a state that export wrote. Anything wrong with it is an error.
function migrate.import(text)
  local ok, data = pcall(json.decode, text)
  if not ok or type(data) ~= 'table' or type(data.roots) ~= 'table' or type(data.nodes) ~= 'table' then
    error('this is not the state of a process', 0)
  end
  if data.aos ~= migrate._version then error('the state has version ' .. tostring(data.aos) .. ', not ' .. migrate._version, 0) end
  clear()
  local _, objects = runtime_names()
  local r = setmetatable({ objects = objects, nodes = data.nodes, made = {} }, Reader)
  r:make()
  r:fill()
  local roots = {}
  for name, value in pairs(data.roots) do roots[name] = r:value(value) end

  for name, value in pairs(roots.packages) do package.loaded[name] = value end
  for name, value in pairs(roots.globals) do _G[name] = value end
  for name, fields in pairs(roots.additions) do
    for key, value in pairs(fields) do rawset(_G[name], key, value) end
  end
  for _, name in ipairs(roots.removed) do _G[name] = nil end
  Inbox, Errors, Owner, Name, Seeded = roots.inbox, roots.errors, roots.owner, roots.name, roots.seeded
  ao.reference, ao.authorities, ao.assignables = roots.reference, roots.authorities, roots.assignables
  Handlers.onceNonce = roots.once
  native.random_state(roots.random)
  require('.inbox').limit(roots.limit)
  add_handlers(roots.handlers)
  if type(Migrate) == 'table' and Migrate.import then Migrate.import(data.from) end
  return data.from, type(data.lost) == 'table' and data.lost or {}
end

---- by message ----

local ACTIONS = { ['Migrate.Export'] = true, ['Migrate.Import'] = true, ['Migrate.Module'] = true }

-- From the owner, to this very process; to a process that has none yet, from the owner that its process names.
-- process.lua asks before anything else happens to a message.
function migrate.wants(msg, env)
  if not ACTIONS[msg.Action] or ao.isAssignment(msg) then return false end
  if Owner ~= nil then return msg.From == Owner end
  return msg.From ~= nil and msg.From == env.Process.Owner
end

local function what_stayed(lost)
  local texts = {}
  if (lost.coroutines or 0) > 0 then texts[1] = lost.coroutines .. ' waiting coroutine(s)' end
  if (lost.values or 0) > 0 then texts[#texts + 1] = lost.values .. ' value(s) that cannot move' end
  return #texts > 0 and ', without ' .. table.concat(texts, ' and ') or ''
end

-- The output, and what a compute unit that exchanges modules reads.
function migrate.handle(msg)
  if msg.Action == 'Migrate.Import' then
    local from, lost = migrate.import(msg.Data)
    return { data = 'Took over the state of aos ' .. tostring(from) .. what_stayed(lost) }, true
  end
  local text, lost = migrate.export()
  if msg.Action == 'Migrate.Export' then return { data = text, lost = lost } end
  return { data = 'The state is ready to move' .. what_stayed(lost) .. ', but this compute unit does not exchange modules.', lost = lost }, text
end

return migrate
