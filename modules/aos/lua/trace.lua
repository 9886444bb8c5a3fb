-- Where an error came from, in the user's terms: functions, lines, and the text of the lines.
local _, native = ...

local trace = {}

local FRAMES, LINE = 20, 100

-- Chunks of this runtime begin with a dot; nobody wants to read of them.
local function is_users(info)
  return info.what ~= 'C' and info.source:sub(1, 1) ~= '.'
end

-- Line `n` of what a function was compiled from, if it was kept.
function trace.line(fn, n)
  local text = native.source(fn)
  if not text or n < 1 then return nil end
  local count = 1
  for line in (text .. '\n'):gmatch('([^\n]*)\n') do
    if count == n then
      -- Escape sequences do not belong into an error text, half characters neither.
      line = line:gsub('%c', ' ')
      if #line > LINE then line = line:sub(1, utf8.offset(line, 0, LINE) and LINE or LINE) .. '...' end
      return line
    end
    count = count + 1
  end
end

local function describe(info)
  if info.what == 'main' and info.source:sub(1, 1) == '@' then return 'main chunk' end
  if info.name and info.namewhat ~= '' then return info.namewhat .. " '" .. info.name .. "'" end
  if info.what == 'main' then return 'main chunk' end
  return 'function at line ' .. info.linedefined
end

-- The user's frames. get(level) is debug.getinfo of the stack in question.
function trace.frames(get)
  local lines, level = {}, 0
  while #lines < FRAMES do
    local info = get(level)
    if not info then break end
    if is_users(info) then
      local where = info.short_src .. ':' .. info.currentline .. ': in ' .. describe(info)
      local text = info.func and trace.line(info.func, info.currentline)
      lines[#lines + 1] = where .. (text and ('\n\t\t' .. info.currentline .. ' | ' .. text) or '')
    end
    level = level + 1
  end
  return lines
end

return trace
