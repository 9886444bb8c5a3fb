-- bint(bits): integers of a fixed width with the operators of numbers. The same width gives the same class. What the words are
-- made of is in ../c/bigint.c; this file converts and decides. The interface is that of lua-bint 0.5.
local _, native = ...

local classes = {}

local NOT_A_BINT = 'value cannot be represented by a bint'
local NOT_A_NUMBER = 'value cannot be represented by a number'

local function make(bits)
  local words = bits // 32
  assert(bits % 32 == 0 and words >= 1, 'bitsize is not multiple of word bitsize')

  local bint = { bits = bits }
  bint.__index = bint
  local do_ = native.bigint(bint, words)
  local add, sub, mul, unm = do_.add, do_.sub, do_.mul, do_.unm
  local udivmod, compare, shift, bitwise = do_.udivmod, do_.compare, do_.shift, do_.bits
  local from_integer, to_integer = do_.from_integer, do_.to_integer

  ---- making ----

  function bint.zero() return from_integer(0) end
  function bint.one() return from_integer(1) end
  function bint.mininteger() return shift(from_integer(1), bits - 1) end
  function bint.maxinteger() return sub(bint.mininteger(), from_integer(1)) end

  local function whole(x)
    if type(x) == 'number' then return math.tointeger(x) end
  end

  function bint.frominteger(x)
    x = whole(x)
    return x and from_integer(x) or nil
  end

  function bint.fromuinteger(x)
    x = whole(x)
    return x and from_integer(x, true) or nil
  end

  function bint.frombase(s, base)
    base = base or 10
    if type(s) ~= 'string' or base < 2 or base > 36 then return nil end
    return do_.parse(s, base)
  end

  function bint.fromstring(s)
    if type(s) ~= 'string' then return nil end
    if s:find('^[+-]?%d+$') then return do_.parse(s, 10) end
    local sign, kind, digits = s:match('^([+-]?)0([xXbB])(%x+)$')
    if not digits then return nil end
    return do_.parse(sign .. digits, (kind == 'x' or kind == 'X') and 16 or 2)
  end

  function bint.fromle(buffer)
    assert(type(buffer) == 'string', 'buffer is not a string')
    buffer = buffer:sub(1, words * 4)
    buffer = buffer .. ('\0'):rep(words * 4 - #buffer)
    local x = {}
    for i = 1, words do x[i] = string.unpack('<I4', buffer, 4 * i - 3) end
    return setmetatable(x, bint)
  end

  function bint.frombe(buffer)
    assert(type(buffer) == 'string', 'buffer is not a string')
    return bint.fromle(buffer:reverse())
  end

  local function is_bint(x) return getmetatable(x) == bint end
  bint.isbint = is_bint

  local function copy(x)
    return setmetatable(table.move(x, 1, words, 1, {}), bint)
  end

  -- The bint that x stands for, or nil.
  local function tobint(x, clone)
    if is_bint(x) then return clone and copy(x) or x end
    if type(x) == 'number' then
      x = math.tointeger(x)
      return x and from_integer(x) or nil
    end
    return bint.fromstring(x)
  end
  bint.tobint = tobint

  function bint.new(x)
    local made = tobint(x, true)
    assert(made, NOT_A_BINT)
    return made
  end

  -- A bint if it can be, else a Lua number.
  function bint.parse(x, clone)
    local made = tobint(x, clone)
    if made then return made end
    local number = tonumber(x)
    assert(number, NOT_A_NUMBER)
    return number
  end

  -- Towards zero.
  function bint.trunc(x)
    if is_bint(x) then return copy(x) end
    local made, number = tobint(x), tonumber(x)
    if made then return made end
    if not number then return end
    return bint.frominteger(number >= 0 and math.floor(number) or math.ceil(number))
  end

  ---- leaving ----

  function bint.tointeger(x)
    if is_bint(x) then return (to_integer(x)) end
    return math.tointeger(tonumber(x) or x)
  end

  bint.touinteger = bint.tointeger

  function bint.tonumber(x)
    if not is_bint(x) then return tonumber(x) end
    local n, all = to_integer(x)
    return all and n or tonumber(do_.text(x, 10) .. '.0')
  end

  function bint.tobase(x, base, unsigned)
    base = base or 10
    x = tobint(x)
    if not x or base < 2 or base > 36 then return nil end
    if unsigned == nil then unsigned = base ~= 10 end
    return do_.text(x, base, unsigned)
  end

  local function bytes(x, trim)
    x = assert(tobint(x), NOT_A_BINT)
    local out = {}
    for i = 1, words do out[i] = string.pack('<I4', x[i]) end
    out = table.concat(out)
    if trim then
      out = out:gsub('\0+$', '')
      if out == '' then out = '\0' end
    end
    return out
  end

  function bint.tole(x, trim) return bytes(x, trim) end
  function bint.tobe(x, trim) return bytes(x, trim):reverse() end

  ---- asking ----

  local function both(x, y)
    return assert(tobint(x), NOT_A_BINT), assert(tobint(y), NOT_A_BINT)
  end

  local function equals(x, n)
    if is_bint(x) then return compare(x, from_integer(n)) == 0 end
    return x == n
  end

  function bint.iszero(x) return equals(x, 0) end
  function bint.isone(x) return equals(x, 1) end
  function bint.isminusone(x) return equals(x, -1) end
  function bint.isintegral(x) return is_bint(x) or math.type(x) == 'integer' end
  function bint.isnumeric(x) return is_bint(x) or type(x) == 'number' end
  function bint.type(x) return is_bint(x) and 'bint' or math.type(x) end

  local function sign_bit(x) return x[words] >> 31 ~= 0 end

  function bint.isneg(x)
    if is_bint(x) then return sign_bit(x) end
    return x < 0
  end

  function bint.ispos(x)
    if is_bint(x) then return not sign_bit(x) and not equals(x, 0) end
    return x > 0
  end

  function bint.iseven(x)
    if is_bint(x) then return x[1] & 1 == 0 end
    return math.abs(x) % 2 == 0
  end

  function bint.isodd(x)
    if is_bint(x) then return x[1] & 1 == 1 end
    return math.abs(x) % 2 == 1
  end

  ---- order ----

  function bint.__eq(x, y) return compare(x, y) == 0 end

  function bint.eq(x, y)
    local ix, iy = tobint(x), tobint(y)
    if ix and iy then return compare(ix, iy) == 0 end
    return x == y
  end

  function bint.__lt(x, y)
    local ix, iy = tobint(x), tobint(y)
    if ix and iy then return compare(ix, iy) < 0 end
    return bint.tonumber(x) < bint.tonumber(y)
  end

  function bint.__le(x, y)
    local ix, iy = tobint(x), tobint(y)
    if ix and iy then return compare(ix, iy) <= 0 end
    return bint.tonumber(x) <= bint.tonumber(y)
  end

  function bint.ult(x, y)
    x, y = both(x, y)
    return compare(x, y, true) < 0
  end

  function bint.ule(x, y)
    x, y = both(x, y)
    return compare(x, y, true) <= 0
  end

  function bint.max(x, y)
    x, y = bint.parse(x), bint.parse(y)
    local larger = x > y and x or y
    return is_bint(larger) and copy(larger) or larger
  end

  function bint.min(x, y)
    x, y = bint.parse(x), bint.parse(y)
    local smaller = x < y and x or y
    return is_bint(smaller) and copy(smaller) or smaller
  end

  ---- arithmetic: with integers a bint comes of it, with other numbers a float ----

  function bint.__add(x, y)
    local ix, iy = tobint(x), tobint(y)
    if ix and iy then return add(ix, iy) end
    return bint.tonumber(x) + bint.tonumber(y)
  end

  function bint.__sub(x, y)
    local ix, iy = tobint(x), tobint(y)
    if ix and iy then return sub(ix, iy) end
    return bint.tonumber(x) - bint.tonumber(y)
  end

  function bint.__mul(x, y)
    local ix, iy = tobint(x), tobint(y)
    if ix and iy then return mul(ix, iy) end
    return bint.tonumber(x) * bint.tonumber(y)
  end

  function bint.__unm(x) return unm(x) end

  function bint.abs(x)
    local ix = tobint(x)
    if ix then return sign_bit(ix) and unm(ix) or copy(ix) end
    return math.abs(bint.tonumber(x))
  end

  function bint.floor(x)
    if is_bint(x) then return copy(x) end
    return bint.new(math.floor(bint.tonumber(x)))
  end

  function bint.ceil(x)
    if is_bint(x) then return copy(x) end
    return bint.new(math.ceil(bint.tonumber(x)))
  end

  function bint.inc(x)
    local ix = tobint(x)
    if ix then return add(ix, from_integer(1)) end
    return bint.tonumber(x) + 1
  end

  function bint.dec(x)
    local ix = tobint(x)
    if ix then return sub(ix, from_integer(1)) end
    return bint.tonumber(x) - 1
  end

  local function unsigned_divide(x, y)
    assert(not equals(y, 0), 'attempt to divide by zero')
    return udivmod(x, y)
  end

  function bint.udivmod(x, y) return unsigned_divide(both(x, y)) end
  function bint.udiv(x, y) return (bint.udivmod(x, y)) end

  function bint.umod(x, y)
    local _, rest = bint.udivmod(x, y)
    return rest
  end

  -- Towards zero: the rest has the sign of x.
  function bint.tdivmod(x, y)
    x, y = both(x, y)
    local nx, ny = sign_bit(x), sign_bit(y)
    local quotient, rest = unsigned_divide(nx and unm(x) or x, ny and unm(y) or y)
    return nx ~= ny and unm(quotient) or quotient, nx and unm(rest) or rest
  end

  function bint.tdiv(x, y) return (bint.tdivmod(x, y)) end

  function bint.tmod(x, y)
    local _, rest = bint.tdivmod(x, y)
    return rest
  end

  -- Towards minus infinity: the rest has the sign of y.
  local function floor_divide(x, y)
    local quotient, rest = bint.tdivmod(x, y)
    if sign_bit(x) ~= sign_bit(y) and not equals(rest, 0) then
      return sub(quotient, from_integer(1)), add(rest, y)
    end
    return quotient, rest
  end

  function bint.idivmod(x, y)
    local ix, iy = tobint(x), tobint(y)
    if ix and iy then return floor_divide(ix, iy) end
    x, y = bint.tonumber(x), bint.tonumber(y)
    return x // y, x % y
  end

  function bint.__idiv(x, y) return (bint.idivmod(x, y)) end

  function bint.__mod(x, y)
    local _, rest = bint.idivmod(x, y)
    return rest
  end

  function bint.__div(x, y) return bint.tonumber(x) / bint.tonumber(y) end
  function bint.__pow(x, y) return bint.tonumber(x) ^ bint.tonumber(y) end

  -- x to the y, wrapping around.
  function bint.ipow(x, y)
    x, y = both(x, y)
    if sign_bit(y) then
      if equals(x, 1) then return from_integer(1) end
      if equals(x, -1) then return from_integer(bint.isodd(y) and -1 or 1) end
      assert(not equals(x, 0), 'attempt to divide by zero')
      return from_integer(0)
    end
    local result = from_integer(1)
    while not equals(y, 0) do
      if y[1] & 1 == 1 then result = mul(result, x) end
      y = shift(y, -1)
      if not equals(y, 0) then x = mul(x, x) end
    end
    return result
  end

  -- x to the y modulo m, all unsigned. Products need twice the width.
  function bint.upowmod(x, y, m)
    x, y = both(x, y)
    m = assert(tobint(m), NOT_A_BINT)
    if equals(m, 1) then return from_integer(0) end
    local wide = make(2 * bits)
    local function widen(v) return wide.fromle(bytes(v)) end
    local wide_m, base, result = widen(m), widen(bint.umod(x, m)), wide.one()
    while not equals(y, 0) do
      if y[1] & 1 == 1 then result = wide.umod(result * base, wide_m) end
      y = shift(y, -1)
      base = wide.umod(base * base, wide_m)
    end
    return bint.fromle(wide.tole(result))
  end

  ---- bits ----

  function bint.__band(x, y) return bitwise('and', both(x, y)) end
  function bint.__bor(x, y) return bitwise('or', both(x, y)) end
  function bint.__bxor(x, y) return bitwise('xor', both(x, y)) end
  function bint.__bnot(x) return sub(from_integer(-1), assert(tobint(x), NOT_A_BINT)) end

  local function count_of(y) return assert(bint.tointeger(y), NOT_A_BINT) end

  function bint.__shl(x, y) return shift(assert(tobint(x), NOT_A_BINT), count_of(y)) end
  function bint.__shr(x, y) return shift(assert(tobint(x), NOT_A_BINT), -count_of(y)) end

  -- Keeps the lowest y bits.
  function bint.bwrap(x, y)
    x, y = assert(tobint(x), NOT_A_BINT), count_of(y)
    if y <= 0 then return from_integer(0) end
    if y >= bits then return copy(x) end
    return bitwise('and', x, sub(shift(from_integer(1), y), from_integer(1)))
  end

  function bint.brol(x, y)
    x, y = assert(tobint(x), NOT_A_BINT), count_of(y) % bits
    return bitwise('or', shift(x, y), shift(x, y - bits))
  end

  function bint.bror(x, y) return bint.brol(x, -count_of(y)) end

  ---- in place ----

  local function replaces(operation)
    return function (self, y)
      return table.move(operation(self, y), 1, words, 1, self)
    end
  end

  for name, operation in pairs({ _add = bint.__add, _sub = bint.__sub, _inc = bint.inc, _dec = bint.dec, _unm = unm,
    _abs = bint.abs, _bnot = bint.__bnot, _band = bint.__band, _bor = bint.__bor, _bxor = bint.__bxor }) do
    bint[name] = replaces(operation)
  end
  bint._shlone = replaces(function (x) return shift(x, 1) end)
  bint._shrone = replaces(function (x) return shift(x, -1) end)
  bint._shlwords = replaces(function (x, n) return shift(x, 32 * n) end)
  bint._shrwords = replaces(function (x, n) return shift(x, -32 * n) end)

  function bint.__tostring(x) return do_.text(x, 10) end

  return setmetatable(bint, { __call = function (_, x) return bint.new(x) end })
end

return function (bits)
  bits = bits or 256
  local class = classes[bits]
  if not class then
    class = make(bits)
    classes[bits] = class
  end
  return class
end
