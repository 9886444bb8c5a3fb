-- Tables as people read them in a console: short lists on one line, the rest indented, with colours.
local stringify = { _version = "0.0.1" }

local red, green, blue, reset = "\27[31m", "\27[32m", "\27[34m", "\27[0m"

-- Whether the keys are 1, 2, 3... in this order and the values all numbers or texts.
function stringify.isSimpleArray(t)
  local expected = 1
  for key, value in pairs(t) do
    local kind = type(value)
    if key ~= expected or (kind ~= 'number' and kind ~= 'string') then return false end
    expected = expected + 1
  end
  return true
end

local function is_list(t)
  local expected = 1
  for key in pairs(t) do
    if key ~= expected then return false end
    expected = expected + 1
  end
  return true
end

local function scalar(value)
  if type(value) == 'string' then return green .. '"' .. value .. '"' .. reset end
  return blue .. tostring(value) .. reset
end

-- `indent` is where the closing bracket goes; `open` has the tables that this one is inside of.
function stringify.format(t, indent, open)
  indent, open = indent or 0, open or {}
  if open[t] then return "<circular reference>" end
  local items = {}
  if stringify.isSimpleArray(t) then
    for i, value in pairs(t) do items[i] = scalar(value) end
    return "{ " .. table.concat(items, ", ") .. " }"
  end
  open[t] = true
  local list = is_list(t)
  local before = string.rep(" ", indent + 2)
  for key, value in pairs(t) do
    local text = type(value) == 'table' and stringify.format(value, indent + 2, open) or scalar(value)
    local name = list and "" or red .. tostring(key) .. reset .. " = "
    items[#items + 1] = before .. name .. text
  end
  open[t] = nil
  local after = string.rep(" ", indent)
  if list then return "{\n" .. table.concat(items, ",\n") .. "\n" .. after .. " }" end
  return "{\n " .. table.concat(items, ",\n ") .. "\n" .. after .. "}"
end

return stringify
