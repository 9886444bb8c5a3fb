-- Random numbers from the process's one generator, a Mersenne Twister (../c/chance.c).
local _, native = ...

local chance = { _version = "0.0.1" }

chance.seed = function (n) native.random_seed(math.floor(n) & 0xffffffff) end

-- [0, 1)
chance.random = native.random_float

-- min to max, both included
function chance.integer(min, max)
  assert(max >= min, "max must bigger than min")
  return math.floor(native.random_float() * (max - min + 1) + min)
end

return chance
