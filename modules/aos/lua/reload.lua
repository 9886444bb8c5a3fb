-- New code for what runs: a package or a handler, from its text. Either the new code is in place afterwards, or the old one is and
-- the error is raised.
local _, native = ...

local reload = {}

local function compile(source, name)
  assert(type(source) == 'string', 'the source should be a text')
  local func, err = native.load(source, name, _G)
  if not func then error(err, 0) end
  return func
end

-- package(name, source): what require(name) gives from now on. A table keeps its identity, so those who have it get the new
-- functions; fields that are gone are gone.
function reload.package(name, source)
  assert(type(name) == 'string', 'the name of the package should be a text')
  local result = compile(source, name)(name)
  local old = package.loaded[name]
  if type(old) == 'table' and type(result) == 'table' and old ~= result then
    for key in pairs(old) do
      if result[key] == nil then old[key] = nil end
    end
    for key, value in pairs(result) do old[key] = value end
    setmetatable(old, getmetatable(result))
    result = old
  end
  if result == nil then result = true end
  package.loaded[name] = result
  return result
end

-- handler(name, source): the text of a function, or of code that returns one. Pattern and maxRuns stay.
function reload.handler(name, source)
  assert(type(source) == 'string', 'the source should be a text')
  local func = native.load('return ' .. source, 'aos', _G, source) or compile(source, 'aos')
  local handle = func()
  assert(type(handle) == 'function' or type(handle) == 'table', 'the source of a handler should give a function')
  for _, entry in ipairs(Handlers.list) do
    if entry.name == name then
      Handlers.add(name, entry.pattern, handle, entry.maxRuns)
      return Handlers.describe(name)
    end
  end
  error('there is no handler ' .. tostring(name), 2)
end

return reload
