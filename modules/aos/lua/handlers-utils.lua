-- Handlers.utils: patterns and handles for common cases.
local Utils = require('.utils')

local utils = { _version = "0.0.2" }

function utils.hasMatchingTag(name, value)
  assert(type(name) == 'string' and type(value) == 'string', 'invalid arguments: (name : string, value : string)')
  return function (msg) return msg.Tags[name] == value end
end

-- The first of the values that matches, else 0.
function utils.hasMatchingTagOf(name, values)
  assert(type(name) == 'string' and type(values) == 'table', 'invalid arguments: (name : string, values : string[])')
  return function (msg)
    for _, value in ipairs(values) do
      local result = utils.hasMatchingTag(name, value)(msg)
      if result then return result end
    end
    return 0
  end
end

function utils.hasMatchingData(value)
  assert(type(value) == 'string', 'invalid arguments: (value : string)')
  return function (msg) return msg.Data == value end
end

-- A handle that answers with a text as Data, or with a message.
function utils.reply(input)
  assert(type(input) == 'table' or type(input) == 'string', 'invalid arguments: (input : table or string)')
  return function (msg)
    if type(input) == 'string' then
      msg.reply({ Data = input })
    else
      msg.reply(input)
    end
  end
end

-- The pattern, but other handlers get the message as well.
function utils.continue(pattern)
  return function (msg)
    local result = Utils.matchesSpec(msg, pattern)
    if not result or result == 0 or result == 'skip' then return result end
    return 1
  end
end

return utils
