-- Dump(value, indent, padding, filter, udata): a value as Lua that can be read back. Numeric keys come first, then the others
-- in order; functions and the like are quoted texts.
local RESERVED = {}
for word in ("and break do else elseif end false for function goto if in local nil not or repeat return then true until " ..
  "while"):gmatch("%S+") do RESERVED[word] = true end

local function quote(value) return string.format("%q", tostring(value)) end

local function literal(value)
  local kind = type(value)
  if kind == 'number' or kind == 'boolean' then return tostring(value) end
  return quote(value)
end

local function key_text(key)
  if type(key) == 'string' then
    if key:match("^[%a_][%w_]*$") and not RESERVED[key] then return key end
    return '[' .. quote(key) .. ']'
  end
  return '[' .. literal(key) .. ']'
end

local RANK = { number = 1, boolean = 3, string = 4 }

local function before(a, b)
  local ka, kb = type(a), type(b)
  local ra, rb = RANK[ka] or 2, RANK[kb] or 2
  if ra ~= rb then return ra < rb end
  if ra == 1 then return a < b end
  return key_text(a) < key_text(b)
end

local function sorted_keys(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys, before)
  return keys
end

local function keep(value) return value end

return function (value, indent, padding, filter, udata)
  if indent ~= nil and (math.type(indent) ~= 'integer' or indent < 0) then
    error('indent must be unsigned integer', 2)
  elseif padding ~= nil and (math.type(padding) ~= 'integer' or padding < 0) then
    error('padding must be unsigned integer', 2)
  elseif filter ~= nil and type(filter) ~= 'function' then
    error('filter must be function', 2)
  end
  indent, padding, filter = indent or 4, padding or 0, filter or keep
  local open = {}

  local function format(v, depth)
    if type(v) ~= 'table' then return literal(v) end
    if open[v] then return quote("<Circular " .. tostring(v) .. ">") end
    open[v] = true
    local items = {}
    local before_item = indent == 0 and "" or string.rep(" ", padding + indent * depth)
    for _, key in ipairs(sorted_keys(v)) do
      local shown_key = filter(key, depth, type(key), 'key', nil, udata)
      if shown_key ~= nil then
        local item = filter(v[key], depth, type(v[key]), 'val', key, udata)
        if item ~= nil then
          items[#items + 1] = before_item .. key_text(shown_key) .. " = " .. format(item, depth + 1)
        end
      end
    end
    open[v] = nil
    if #items == 0 then return "{}" end
    if indent == 0 then return "{ " .. table.concat(items, ", ") .. " }" end
    return "{\n" .. table.concat(items, ",\n") .. "\n" .. string.rep(" ", padding + indent * (depth - 1)) .. "}"
  end

  local shown = filter(value, 1, type(value), 'val', nil, udata)
  if type(shown) ~= 'table' then return quote(shown) end
  return format(shown, 1)
end
