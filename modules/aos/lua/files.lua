-- Which files a chunk was made of. Who sends a chunk that was a file, or several, says so in comments at its end:
--
--   --@file 2 20 lib/util.lua       lines 2 to 21 of the chunk are the file lib/util.lua
--   --@file 24 100 main.lua         the last one's are also those of the chunk's own code
--
-- Functions of such a chunk then know the file and its lines, so that errors name them, also much later. To other
-- modules they are comments.
local _, native = ...

local files = {}

local MARK, TAIL, TEXT = '\n%-%-@file (%d+) (%d+) ([^\n]+)', 65536, 1 << 20

-- {first, last, name} of each, or nil. They are at the very end, one after the other.
function files.of(text)
  if type(text) ~= 'string' or not text:find('\n--@file ', -1024, true) then return nil end
  local tail = text:sub(-TAIL)
  local list, next_at, at = {}, nil, 1
  while true do
    local from, to, first, count, name = tail:find(MARK, at)
    if not from then break end
    if from ~= next_at then list = {} end
    first, count = math.tointeger(tonumber(first)), math.tointeger(tonumber(count))
    if not first or not count or first < 1 or count < 1 or first + count > 1 << 30 then return nil end
    list[#list + 1] = { first = first, last = first + count - 1, name = name:gsub('%c', '?') }
    next_at, at = to + 1, to + 1
  end
  if #list == 0 or tail:find('[^\n]', next_at) then return nil end
  return list
end

-- The lines of each file. The list is ordered by them; what is not is without a text.
local function add_texts(list, text)
  local line, at = 1, 1
  for _, file in ipairs(list) do
    local from
    while at and line <= file.last do
      if line == file.first then from = at end
      local newline = text:find('\n', at, true)
      at, line = newline and newline + 1, line + 1
    end
    if from then file.text = text:sub(from, at and at - 2 or -1) end
  end
end

-- Gives the functions of a chunk their places. `text` is what was to be evaluated.
function files.place(func, text)
  local list = files.of(text)
  if not list then return end
  if #text <= TEXT then add_texts(list, text) end
  for i, file in ipairs(list) do
    local source = '@' .. file.name .. (file.text and '\0' .. file.text or '')
    native.place(func, source, file.first, file.last, i == #list)
  end
end

-- An error of the compiler, with the file's name and line.
function files.error(err, text)
  local list = type(err) == 'string' and files.of(text)
  if not list then return err end
  return (err:gsub('^%[string "aos"%]:(%d+):', function (n)
    n = math.min(tonumber(n), list[#list].last) -- the end of the text lies behind the marks
    for _, file in ipairs(list) do
      if n >= file.first and n <= file.last then return file.name .. ':' .. n - file.first + 1 .. ':' end
    end
  end))
end

return files
