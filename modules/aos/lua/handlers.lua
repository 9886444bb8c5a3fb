-- Handlers: a list of {name, pattern, handle, maxRuns}. A message goes along the list; the pattern says whether the handle
-- runs and whether the message goes on. Waiting for a reply is a handler, too, that resumes a coroutine.
local Utils = require('.utils')
local trace = require('.trace')

local previous = _G.Handlers or {}

local Handlers = {
  _version = "0.0.5",
  list = previous.list or {},
  coroutines = previous.coroutines or {},
  onceNonce = previous.onceNonce or 0,
  utils = require('.handlers-utils'),
}

local ARGUMENTS = 'Invalid arguments given. Expected: \n\tname : string, \tpattern : Action : string | MsgMatch : table,\n' ..
  '\t\tfunction(msg: Message) : {-1 = break, 0 = skip, 1 = continue},\n\thandle(msg : Message) : void) | Resolver,\n' ..
  '\tMaxRuns? : number | "inf" | nil'

-- What is known about an entry besides its fields: what it was made of, how often it ran.
local notes = setmetatable({}, { __mode = 'k' })

-- The handler whose error is on its way up, and where the error arose: read by process.lua.
Handlers.failure = nil

---- the list ----

local function index_of(name)
  for i, entry in ipairs(Handlers.list) do
    if entry.name == name then return i end
  end
end

-- A function of the message; or a table from specs to functions, of which the first that matches is called.
function Handlers.generateResolver(spec)
  return function (msg)
    if type(spec) == 'function' then return spec(msg) end
    for matchSpec, fn in pairs(spec) do
      if Utils.matchesSpec(msg, matchSpec) then return fn(msg) end
    end
  end
end

local function check(name, pattern)
  local kind = type(pattern)
  return type(name) == 'string' and (kind == 'function' or kind == 'table' or kind == 'string')
end

local function new_entry(name, pattern, handle, maxRuns)
  local entry = { name = name, pattern = pattern, handle = Handlers.generateResolver(handle), maxRuns = maxRuns }
  notes[entry] = { spec = handle, runs = 0 }
  return entry
end

-- With two arguments, the name is the Action to match.
local function arguments(...)
  local name, pattern, handle, maxRuns = ...
  if select('#', ...) == 2 then pattern, handle = name, pattern end
  return name, pattern, handle, maxRuns
end

-- A handler of that name is changed in place; a new one goes to `at`.
local function put(at, name, pattern, handle, maxRuns)
  local entry = new_entry(name, pattern, handle, maxRuns)
  local i = index_of(name)
  if i then
    local old = Handlers.list[i]
    old.pattern, old.handle, old.maxRuns = entry.pattern, entry.handle, entry.maxRuns
    notes[old] = notes[entry]
  else
    table.insert(Handlers.list, at, entry)
  end
  return #Handlers.list
end

function Handlers.add(...)
  local name, pattern, handle, maxRuns = arguments(...)
  assert(check(name, pattern), ARGUMENTS)
  return put(#Handlers.list + 1, name, pattern, handle, maxRuns)
end

function Handlers.append(...)
  local name, pattern, handle, maxRuns = arguments(...)
  assert(check(name, pattern), ARGUMENTS)
  put(#Handlers.list + 1, name, pattern, handle, maxRuns)
end

function Handlers.prepend(...)
  local name, pattern, handle, maxRuns = arguments(...)
  assert(check(name, pattern), ARGUMENTS)
  put(1, name, pattern, handle, maxRuns)
end

-- once([name,] pattern, handle)
function Handlers.once(...)
  local name, pattern, handle = ...
  if select('#', ...) < 3 then
    name, pattern, handle = '_once_' .. tostring(Handlers.onceNonce), name, pattern
    Handlers.onceNonce = Handlers.onceNonce + 1
  end
  Handlers.prepend(name, pattern, handle, 1)
end

local function beside(name, offset)
  assert(type(name) == 'string', 'Handler name MUST be a string')
  return {
    add = function (...)
      local its_name, pattern, handle, maxRuns = arguments(...)
      assert(check(its_name, pattern), ARGUMENTS)
      local at = index_of(name)
      if at then table.insert(Handlers.list, at + offset, new_entry(its_name, pattern, handle, maxRuns)) end
    end,
  }
end

function Handlers.before(name)
  assert(type(name) == 'string', 'Handler name MUST be a string')
  return beside(name, 0)
end

function Handlers.after(name)
  assert(type(name) == 'string', 'Handler name MUST be a string')
  return beside(name, 1)
end

function Handlers.remove(name)
  assert(type(name) == 'string', 'name MUST be string')
  local at = index_of(name)
  if at then table.remove(Handlers.list, at) end
end

-- Waits for a message that matches, and returns it. What follows belongs to the result of that message.
function Handlers.receive(pattern)
  local waiting = coroutine.running()
  Handlers.once(pattern, function (msg)
    local ok, err = coroutine.resume(waiting, msg)
    if not ok then error(err) end
  end)
  return coroutine.yield(pattern)
end

---- a message ----

-- What a pattern's result means: whether to run, and whether the message is then done with.
local function meaning(result)
  local kind = type(result)
  if kind == 'boolean' then return result, result end
  if kind == 'number' then return result ~= 0, result < 0 end
  assert(kind == 'string', 'Pattern result is not valid, it MUST be string, number, or boolean')
  return result == 'break' or result == 'continue', result == 'break'
end

local function count_run(entry, msg)
  local note = notes[entry]
  if note then
    note.runs = note.runs + 1
    note.last = msg.Timestamp
  end
  if type(entry.maxRuns) ~= 'number' then return end
  entry.maxRuns = entry.maxRuns - 1
  if entry.maxRuns <= 0 then
    for i, other in ipairs(Handlers.list) do
      if other == entry then
        table.remove(Handlers.list, i)
        break
      end
    end
  end
end

-- Called where the error is raised, while the stack is still there. Not for a full one: there is no room to look.
local function at_error(entry)
  return function (err)
    if not Handlers.failure and not (type(err) == 'string' and err:find('stack overflow', 1, true)) then
      Handlers.failure = {
        handler = entry.name,
        frames = trace.frames(function (level) return debug.getinfo(level + 4, 'Slnf') end),
      }
    end
    return err
  end
end

local function run(entry, msg)
  local ok, err = xpcall(entry.handle, at_error(entry), msg)
  if not ok then error(err) end
  count_run(entry, msg)
end

local function is_listed(entry)
  for _, other in ipairs(Handlers.list) do
    if other == entry then return true end
  end
  return false
end

-- After a handle ran: newcomers behind it take part.
local function add_newcomers(order, entry)
  local known, behind = {}, false
  for _, other in ipairs(order) do known[other] = true end
  for _, other in ipairs(Handlers.list) do
    if behind and not known[other] then order[#order + 1] = other end
    behind = behind or other == entry
  end
end

-- True when a handler took the message for itself. The list may change meanwhile: handlers that have gone do not run, new ones
-- in front wait for the next message.
function Handlers.evaluate(msg, env)
  assert(type(msg) == 'table', 'msg is not valid')
  assert(type(env) == 'table', 'env is not valid')
  local order = table.move(Handlers.list, 1, #Handlers.list, 1, {})
  local changed, i = false, 1
  while order[i] do
    local entry = order[i]
    i = i + 1
    if entry.name ~= '_default' and not (changed and not is_listed(entry)) then
      local runs, done = meaning(Utils.matchesSpec(msg, entry.pattern))
      if runs then
        run(entry, msg)
        if done then return true end
        changed = true
        add_newcomers(order, entry)
      end
    end
  end
  local default = index_of('_default')
  if default then run(Handlers.list[default], msg) end
  return false
end

---- looking at them ----

local function show_pattern(pattern)
  local kind = type(pattern)
  if kind == 'string' then return "Action = " .. pattern end
  if kind == 'table' then return require('.dump')(pattern, 0) end
  local info = debug.getinfo(pattern, 'S')
  return 'function at ' .. info.short_src .. ':' .. info.linedefined
end

local function show_place(entry)
  local spec = notes[entry] and notes[entry].spec
  if type(spec) == 'table' then
    local _, fn = next(spec)
    spec = fn
  end
  if type(spec) ~= 'function' then return nil end
  local info = debug.getinfo(spec, 'S')
  if info.what == 'C' then return '[C]' end
  return info.short_src .. ':' .. info.linedefined
end

-- describe([name]): what there is to know of one handler, or a list of all: name, pattern as a text, where the handle was
-- defined, how often and when it ran.
function Handlers.describe(name)
  local list = {}
  for i, entry in ipairs(Handlers.list) do
    local note = notes[entry] or {}
    local shown = {
      position = i, name = entry.name, pattern = show_pattern(entry.pattern), maxRuns = entry.maxRuns,
      defined = show_place(entry), runs = note.runs or 0, last = note.last,
    }
    if entry.name == name then return shown end
    list[i] = shown
  end
  if name == nil then return list end
end

-- The text that a handler's function was compiled from, from its first to its last line.
function Handlers.source(name)
  local at = index_of(name)
  local spec = at and notes[Handlers.list[at]] and notes[Handlers.list[at]].spec
  if type(spec) ~= 'function' then return nil end
  local info, lines = debug.getinfo(spec, 'S'), {}
  for n = info.linedefined, info.lastlinedefined do lines[#lines + 1] = trace.line(spec, n) end
  return #lines > 0 and table.concat(lines, '\n') or nil
end

-- explain(msg): which handlers a message would reach, without running one: a list of {name, result}.
function Handlers.explain(msg)
  msg.Tags = msg.Tags or {}
  local reached = {}
  for _, entry in ipairs(Handlers.list) do
    if entry.name ~= '_default' then
      local ok, result = pcall(Utils.matchesSpec, msg, entry.pattern)
      local valid, runs, done = pcall(meaning, result)
      if not ok or not valid then
        reached[#reached + 1] = { name = entry.name, result = 'error: ' .. tostring(ok and runs or result) }
        return reached
      end
      if runs then reached[#reached + 1] = { name = entry.name, result = done and 'break' or 'continue' } end
      if done then return reached end
    end
  end
  reached[#reached + 1] = { name = '_default', result = 'break' }
  return reached
end

return Handlers
