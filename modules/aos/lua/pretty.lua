-- Tables as an indented outline.
local pretty = { _version = "0.0.1" }

function pretty.tprint(t, indent, open)
  indent, open = indent or 0, open or {}
  if open[t] then return string.rep(" ", indent) .. "<circular reference>\n" end
  open[t] = true
  local lines = {}
  for key, value in pairs(t) do
    local name = string.rep(" ", indent) .. tostring(key) .. ": "
    if type(value) == 'table' then
      lines[#lines + 1] = name .. "\n" .. pretty.tprint(value, indent + 1, open)
    else
      lines[#lines + 1] = name .. tostring(value) .. "\n"
    end
  end
  open[t] = nil
  return table.concat(lines)
end

return pretty
