-- The turn of a message: who may speak, which handler answers, what the result is.
local ao = require('.ao')
local json = require('json')
local utils = require('.utils')
local chance = require('.chance')
local assignment = require('.assignment')
local stringify = require('.stringify')
local trace = require('.trace')
local state = require('.state')
local _, native = ...
local require = require -- whatever becomes of the global

-- Loaded now, so that scripts find them in package.loaded.
require('.base64')
require('.boot')
require('.default')
require('.eval')
require('.pretty')

local process = { _version = "2.0.4" }

local red, green, blue, gray, reset = "\27[31m", "\27[32m", "\27[34m", "\27[90m", "\27[0m"

---- globals ----

Colors = { red = red, green = green, blue = blue, reset = reset, gray = gray }
Bell = "\7"
Dump = require('.dump')
Utils = utils
Handlers = require('.handlers')
Nonce = nil

local function default_prompt()
  return green .. tostring(Name) .. gray .. "@" .. blue .. "aos-" .. process._version .. gray .. "[Inbox:" .. red ..
    tostring(#Inbox) .. gray .. "]" .. reset .. "> "
end

function Prompt() return default_prompt() end

-- A Prompt of the user's that fails must not keep its owner out.
local function prompt()
  local ok, text = pcall(Prompt)
  return ok and text or default_prompt()
end

function Version() print("version: " .. process._version) end

-- The tags of a message as a map; the first of a name wins.
function Tab(msg)
  local map = {}
  for _, tag in ipairs(msg.Tags or {}) do
    if tag.name ~= nil and map[tag.name] == nil then map[tag.name] = tag.value end
  end
  return map
end

local function show(value)
  local kind = type(value)
  if kind == 'string' then return value end
  if kind == 'table' then return stringify.format(value) end
  if kind == 'number' then return green .. tostring(value) .. reset end
  if kind == 'boolean' then return blue .. tostring(value) .. reset end
  if kind == 'nil' then return red .. "nil" .. reset end
  return tostring(value)
end

local function joined(log)
  local texts = {}
  for i, text in ipairs(log or {}) do texts[i] = type(text) == 'string' and text or tostring(text) end
  return table.concat(texts, "\n")
end

-- All that was printed so far, for those who read it; made when asked for, since a message may print a lot.
local output_meta = {
  __index = function (output, key)
    if key == 'data' then return table.concat(output.log, "\n", 1, output.count) end
  end,
}

-- Prints one value to the result of the message.
function print(value)
  local text = show(value)
  if type(HANDLER_PRINT_LOGS) ~= 'table' then
    ao.outbox.Output = { data = text, prompt = prompt(), print = true }
    return text
  end
  table.insert(HANDLER_PRINT_LOGS, text)
  ao.outbox.Output = setmetatable({ prompt = prompt(), print = true, log = HANDLER_PRINT_LOGS, count = #HANDLER_PRINT_LOGS },
    output_meta)
  return nil
end

function Send(msg)
  if not msg.Target then
    print("WARN: No target specified for message. Data will be stored, but no process will receive it.")
  end
  local message = ao.send(msg)
  return { output = "Message added to outbox", receive = message.receive, onReply = message.onReply }
end

-- Spawn([module,] msg)
function Spawn(...)
  local module, msg = ...
  if select('#', ...) == 1 then module, msg = ao._module, module end
  local spawn = ao.spawn(module, msg)
  return { output = "Spawn process request added to outbox", receive = spawn.receive, after = spawn.after }
end

function Assign(assigned)
  ao.assign(assigned)
  print("Assignment added to outbox.")
  return "Assignment added to outbox."
end

function Receive(pattern) return Handlers.receive(pattern) end

---- the state of a process ----

local function first_tag(tags, name)
  for _, tag in ipairs(tags) do
    if tag.name == name then return tag.value end
  end
end

-- The seed is public: height, and the bytes of three ids.
local function seed(msg)
  local text = tostring(msg.Owner or "") .. tostring(msg.Module or "") .. tostring(msg.Id or "")
  local number = tonumber(tostring(msg['Block-Height'] or "") .. tostring(native.byte_sum(text)))
  chance.seed(number or 0)
  math.random = function (...)
    local count = select('#', ...)
    if count == 1 then return chance.integer(1, (...)) end
    if count == 2 then return chance.integer(...) end
    return chance.random()
  end
end

local function initialize(msg, env)
  if not Seeded then
    seed(msg)
    Seeded = true
  end
  Errors = Errors or {}
  Inbox = Inbox or {}
  if Owner == nil and msg.Id == env.Process.Id then
    Owner = first_tag(env.Process.Tags, 'From-Process') or msg.From
  end
  if Name == nil then Name = first_tag(env.Process.Tags, 'Name') or 'aos' end
end

-- Whether the process or its module says that it uses WeaveDrive.
local function declares_drive(env)
  for _, tags in ipairs({ env.Process.Tags, env.Module and env.Module.Tags or {} }) do
    for _, tag in ipairs(tags) do
      if tag.name == 'Extension' and tag.value == 'WeaveDrive' then return true end
    end
  end
  return false
end

local timestamp

local function message_time() return timestamp end

---- the message ----

-- Field and tag names in Title-Case. The message is changed in place unless a name has to.
local function normalize_names(msg)
  local normalize, renamed = utils.normalize, nil
  for key in pairs(msg) do
    if normalize(key) ~= key then
      renamed = {}
      break
    end
  end
  if renamed then
    for key, value in pairs(msg) do renamed[normalize(key)] = value end
    msg = renamed
  end
  msg.Tags = type(msg.Tags) == 'table' and msg.Tags or {}
  for _, tag in ipairs(msg.Tags) do tag.name = normalize(tag.name) end
  return ao.normalize(msg)
end

local function map_tags(holder)
  holder.TagArray = holder.Tags
  holder.Tags = Tab(holder)
end

local function decode_data(msg)
  if msg.Tags['Content-Type'] ~= 'application/json' then return end
  local ok, data = pcall(json.decode, msg.Data or "{}")
  if ok then msg.Data = data end
end

function process.attach_replies(msg)
  local from, reply_to = msg.From, msg['Reply-To']
  local reference = msg['X-Reference'] or msg.Reference
  local origin = msg['X-Origin']

  msg.reply = function (replyMsg)
    replyMsg.Target = reply_to or replyMsg.Target or from
    replyMsg['X-Reference'] = reference
    replyMsg['X-Origin'] = origin
    return ao.send(replyMsg)
  end

  msg.forward = function (target, forwardMsg)
    local forwarded = ao.sanitize(msg)
    for key, value in pairs(forwardMsg or {}) do forwarded[key] = value end
    forwarded.Target = target
    forwarded['Reply-To'] = reply_to or from
    forwarded['X-Reference'] = reference
    forwarded['X-Origin'] = origin or from
    forwarded.reply, forwarded.forward = nil, nil
    ao.send(forwarded)
  end
end

---- the handlers that are always there ----

local function is_eval(msg) return msg.Action == "Eval" and Owner == msg.From end
local function is_boot(msg) return msg.Tags.Type == "Process" and Owner == msg.From end
local function is_anything() return true end
local function run_eval(msg) return require('.eval')(ao)(msg) end
local function run_default(msg) return require('.default')(msg) end
local function run_boot(msg) return require('.boot')(ao)(msg) end

-- Costs nothing when the handler is as it should be.
local function ensure_handler(name, pattern, handle, add)
  for _, entry in ipairs(Handlers.list) do
    if entry.name == name then
      if entry.pattern ~= pattern or entry.handle ~= handle then
        entry.pattern, entry.handle, entry.maxRuns = pattern, handle, nil
      end
      return
    end
  end
  add(name, pattern, handle)
  for _, entry in ipairs(Handlers.list) do
    if entry.name == name then entry.handle = handle end
  end
end

---- results ----

local function refuse(text)
  return ao.result({ Output = { data = text, prompt = prompt(), print = true } })
end

local function success(msg)
  local output = { data = joined(HANDLER_PRINT_LOGS), prompt = prompt() }
  if msg.Action ~= "Eval" then output.print = true end
  HANDLER_PRINT_LOGS = {}
  ao.Nonce = msg.Nonce
  return ao.result({ Output = output })
end

-- An error as text: tables that cannot say it themselves are shown as Lua.
local function error_text(err)
  if type(err) == 'string' or type(err) == 'number' then return tostring(err) end
  local meta = type(err) == 'table' and getmetatable(err)
  if type(err) == 'table' and not (type(meta) == 'table' and meta.__tostring) then return Dump(err, 0) end
  return tostring(err)
end

local function trace_text(failure, co)
  local frames = failure and failure.frames or trace.frames(function (level) return debug.getinfo(co, level, 'Slnf') end)
  local lines = { "stack traceback:" }
  if failure then lines[#lines + 1] = 'handler "' .. failure.handler:gsub('%c', '?') .. '"' end
  for _, frame in ipairs(frames) do lines[#lines + 1] = frame end
  return table.concat(lines, "\n\t")
end

local function failed(msg, err, failure, co)
  local text = error_text(err)
  if msg.Action == "Eval" then
    table.insert(Errors, text)
  else
    local what = msg.Action and "with Action = " .. tostring(msg.Action) or ""
    print(red .. "Error" .. gray .. " handling message " .. what .. reset)
    print(green .. text .. reset)
    print("\n" .. gray .. trace_text(failure, co) .. reset)
  end
  return ao.result({ Error = joined(HANDLER_PRINT_LOGS) .. "\n\n" .. red .. "error:\n" .. reset .. text })
end

-- The messages by which a state leaves one build of this module and enters another (.migrate).
local function migrate_state(msg, env)
  if type(msg.Action) ~= 'string' or msg.Action:sub(1, 8) ~= 'Migrate.' then return nil end
  local migrate = require('.migrate')
  if not migrate.wants(msg, env) then return nil end
  local ok, output, migration = pcall(migrate.handle, msg)
  if not ok then return ao.result({ Error = error_text(output) }) end
  output.prompt = prompt()
  local result = ao.result({ Output = output })
  result.Migration = migration
  return result
end

local function keep_coroutine(co)
  local alive = {}
  for _, other in ipairs(Handlers.coroutines) do
    if coroutine.status(other) ~= 'dead' then alive[#alive + 1] = other end
  end
  if coroutine.status(co) ~= 'dead' then alive[#alive + 1] = co end
  Handlers.coroutines = alive
end

function process.handle(msg, env)
  env = env.env or env
  ao.init(env)
  msg = normalize_names(msg)
  ao.id = env.Process.Id
  native.allow_drive(declares_drive(env))
  initialize(msg, env)
  HANDLER_PRINT_LOGS = {}
  timestamp = msg.Timestamp
  os.time = message_time
  map_tags(msg)
  map_tags(ao.env.Process)
  decode_data(msg)
  ao.clearOutbox()
  Handlers.failure = nil

  if msg.From ~= msg.Owner and not ao.isTrusted(msg) then
    return refuse("Message is not trusted! From: " .. tostring(msg.From) .. " - Owner: " .. tostring(msg.Owner))
  end
  assignment.init(ao)
  if ao.isAssignment(msg) and not ao.isAssignable(msg) then
    if msg.From ~= ao.id then ao.send({ Target = msg.From, Data = "Assignment is not trusted by this process!" }) end
    return refuse("Assignment is not trusted! From: " .. tostring(msg.From) .. " - Owner: " .. tostring(msg.Owner))
  end

  local migrated = migrate_state(msg, env)
  if migrated then return migrated end

  ensure_handler("_eval", is_eval, run_eval, Handlers.add)
  if env.Process.Id == msg.Id then Handlers.once("_boot", is_boot, run_boot) end
  ensure_handler("_default", is_anything, run_default, Handlers.append)
  process.attach_replies(msg)

  local co = coroutine.create(Handlers.evaluate)
  local ok, err = coroutine.resume(co, msg, env)
  keep_coroutine(co)
  if not ok then return failed(msg, err, Handlers.failure, co) end
  return success(msg)
end

state.take_down()
return process
