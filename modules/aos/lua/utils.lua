-- Utils: matching of messages, and small functions over arrays.
local _, native = ...

local Utils = { _version = "0.0.5" }

local lower, find, match = string.lower, string.find, string.match

-- Whether `value` (a field of `msg`) is what `pattern` asks for. '_' is anything; a function decides itself; text with any of
-- the magic characters is a Lua pattern, other text is compared, both without regard to case; a list holds alternatives.
function Utils.matchesPattern(pattern, value, msg)
  if not pattern then return false end
  if pattern == '_' then return true end
  local kind = type(pattern)
  if kind == 'string' then
    local text = value == nil and '' or tostring(value)
    if find(pattern, '[%^%$%(%)%%%.%[%]%*%+%?]') then
      return match(lower(text), lower(pattern)) ~= nil
    end
    return text == pattern or lower(text) == lower(pattern)
  end
  if kind == 'function' then
    return pattern(value, msg) and true or false
  end
  if kind == 'table' then
    for _, alternative in pairs(pattern) do
      if Utils.matchesPattern(alternative, value, msg) then return true end
    end
  end
  return false
end

-- Whether a message fits: a function's own answer, an Action, or every field of a table (looked for in the message, then in
-- its tags).
function Utils.matchesSpec(msg, spec)
  local kind = type(spec)
  if kind == 'function' then return spec(msg) end
  if kind == 'string' then return msg.Action == spec end
  if kind ~= 'table' then return false end
  for key, pattern in pairs(spec) do
    local value = msg[key]
    if not value and type(msg.Tags) == 'table' then value = msg.Tags[key] end
    if not value or not Utils.matchesPattern(pattern, value, msg) then return false end
  end
  return true
end

-- Title-Case with dashes: x_foo-BAR is X-Foo-Bar.
Utils.normalize = native.normalize

function Utils.capitalize(text)
  if type(text) ~= 'string' then return text end
  return text:sub(1, 1):upper() .. lower(text:sub(2))
end

-- Takes arguments in any portions until there are `arity` of them.
function Utils.curry(fn, arity)
  assert(type(fn) == 'function', 'function is required as first argument')
  arity = arity or debug.getinfo(fn, 'u').nparams
  if arity < 2 then return fn end
  local function with(count, given)
    return function (...)
      local more = select('#', ...)
      local all = table.move(given, 1, count, 1, {})
      for i = 1, more do all[count + i] = (select(i, ...)) end
      if count + more >= arity then return fn(table.unpack(all, 1, count + more)) end
      return with(count + more, all)
    end
  end
  return with(0, {})
end

local curry = Utils.curry

local function is_array(t)
  if type(t) ~= 'table' then return false end
  local largest = 0
  for key in pairs(t) do
    if type(key) ~= 'number' or key < 1 or key % 1 ~= 0 then return false end
    if key > largest then largest = key end
  end
  return largest == #t
end

Utils.concat = curry(function (a, b)
  assert(type(a) == 'table', 'first argument should be a table that is an array')
  assert(type(b) == 'table', 'second argument should be a table that is an array')
  assert(is_array(a), 'first argument should be a table')
  assert(is_array(b), 'second argument should be a table')
  local all = table.move(a, 1, #a, 1, {})
  return table.move(b, 1, #b, #all + 1, all)
end, 2)

Utils.reduce = curry(function (fn, initial, t)
  assert(type(fn) == 'function', 'first argument should be a function that accepts (result, value, key)')
  assert(is_array(t), 'third argument should be a table that is an array')
  local result = initial
  for key, value in ipairs(t) do
    if key == 1 and initial == nil then
      result = value
    else
      result = fn(result, value, key)
    end
  end
  return result
end, 3)

Utils.map = curry(function (fn, t)
  assert(type(fn) == 'function', 'first argument should be a unary function')
  assert(is_array(t), 'second argument should be an Array')
  local mapped = {}
  for key, value in ipairs(t) do mapped[key] = fn(value, key) end
  return mapped
end, 2)

Utils.filter = curry(function (fn, t)
  assert(type(fn) == 'function', 'first argument should be a unary function')
  assert(is_array(t), 'second argument should be an Array')
  local kept = {}
  for _, value in ipairs(t) do
    if fn(value) then kept[#kept + 1] = value end
  end
  return kept
end, 2)

Utils.find = curry(function (fn, t)
  assert(type(fn) == 'function', 'first argument should be a unary function')
  assert(type(t) == 'table', 'second argument should be a table that is an array')
  for _, value in pairs(t) do
    if fn(value) then return value end
  end
end, 2)

Utils.propEq = curry(function (name, value, object)
  assert(type(name) == 'string', 'first argument should be a string')
  assert(type(value) == 'string', 'second argument should be a string')
  assert(type(object) == 'table', 'third argument should be a table<object>')
  return object[name] == value
end, 3)

Utils.prop = curry(function (name, object) return object[name] end, 2)

function Utils.reverse(t)
  assert(is_array(t), 'argument needs to be a table that is an array')
  local reversed = {}
  for i = #t, 1, -1 do reversed[#reversed + 1] = t[i] end
  return reversed
end

-- compose(f, g)(x) is f(g(x)).
Utils.compose = curry(function (...)
  local functions = { ... }
  return function (value)
    for i = #functions, 1, -1 do
      assert(type(functions[i]) == 'function', 'each argument needs to be a function')
      value = functions[i](value)
    end
    return value
  end
end, 2)

Utils.includes = curry(function (wanted, t)
  assert(type(t) == 'table', 'argument needs to be a table')
  assert(is_array(t), 'argument should be a table that is an array')
  for _, value in ipairs(t) do
    if value == wanted then return true end
  end
  return false
end, 2)

function Utils.keys(t)
  assert(type(t) == 'table', 'argument needs to be a table')
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  return keys
end

function Utils.values(t)
  assert(type(t) == 'table', 'argument needs to be a table')
  local values = {}
  for _, value in pairs(t) do values[#values + 1] = value end
  return values
end

return Utils
