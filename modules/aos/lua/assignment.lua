-- Assignments: messages that were sent to somebody else and are offered to this process too. It takes those that match
-- one of ao.assignables.
local Utils = require('.utils')

local assignment = { _version = "0.1.0" }

local function index_of(list, name)
  for i, entry in ipairs(list) do
    if entry.name == name then return i end
  end
end

-- Functions that a script has put in place stay.
function assignment.init(ao)
  ao.assignables = ao.assignables or {}

  -- addAssignable([name,] spec)
  ao.addAssignable = ao.addAssignable or function (...)
    local name, spec = nil, (...)
    if select('#', ...) > 1 then
      name, spec = ...
      assert(type(name) == 'string', 'MatchSpec name MUST be a string')
    end
    local at = name and index_of(ao.assignables, name)
    if at then
      ao.assignables[at].pattern = spec
    else
      table.insert(ao.assignables, { pattern = spec, name = name })
    end
  end

  -- removeAssignable(name or index)
  ao.removeAssignable = ao.removeAssignable or function (which)
    local at
    if type(which) == 'string' then
      at = index_of(ao.assignables, which)
    else
      assert(type(which) == 'number', 'index MUST be a number')
      at = which
    end
    if at and ao.assignables[at] then table.remove(ao.assignables, at) end
  end

  ao.isAssignment = ao.isAssignment or function (msg)
    return msg.Target ~= ao.id
  end

  ao.isAssignable = ao.isAssignable or function (msg)
    for _, entry in ipairs(ao.assignables) do
      local result = Utils.matchesSpec(msg, entry.pattern)
      if result and result ~= 0 and result ~= 'skip' then return true end
    end
    return false
  end
end

return assignment
