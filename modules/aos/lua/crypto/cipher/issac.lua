-- The generator ISAAC, and texts moved by its numbers through the 95 printable characters (Vigenere).
local _, native = ...
local result = require('.crypto.result')

local FIRST, COUNT = 32, 95

local issac = { _version = "0.0.1" }

-- Only with `stirred` does the seed count.
function issac.seedIsaac(seed, stirred)
  native.isaac_seed(tostring(seed), stirred)
end

issac.getRandom = native.isaac_next

function issac.getRandomChar()
  return native.isaac_next() % COUNT + FIRST
end

local function move(text, direction)
  return (text:gsub('.', function (c)
    local shift = issac.getRandomChar() * direction
    return string.char((c:byte() - FIRST + shift) % COUNT + FIRST)
  end))
end

function issac.encrypt(text, key)
  issac.seedIsaac(key, true)
  return result(move(text, 1))
end

function issac.decrypt(text, key)
  issac.seedIsaac(key, true)
  return move(text, -1)
end

-- min to max. Without a seed, math.random gives one.
function issac.random(min, max, seed)
  min, max = min or 0, max or 2 ^ 31 - 1
  issac.seedIsaac(seed or tostring(math.random()), true)
  return issac.getRandom() % (max - min + 1) + min
end

return issac
