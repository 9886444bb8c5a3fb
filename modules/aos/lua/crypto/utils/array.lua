-- An array is a list of bytes.
local stream = require('.crypto.utils.stream')

local array = {}

function array.size(a) return #a end
function array.fromString(text) return stream.toArray(stream.fromString(text)) end
function array.fromHex(text) return stream.toArray(stream.fromHex(text)) end
function array.fromStream(s) return stream.toArray(s) end
function array.toString(a) return stream.toString(stream.fromArray(a)) end
function array.toHex(a) return stream.toHex(stream.fromArray(a)) end
array.toStream = stream.fromArray

function array.copy(a) return table.move(a, 1, #a, 1, {}) end

function array.concat(a, b)
  local all = array.copy(a)
  return table.move(b, 1, #b, #all + 1, all)
end

function array.slice(a, first, last)
  return table.move(a, first, last, 1, {})
end

function array.truncate(a, size) return array.slice(a, 1, size) end

function array.XOR(a, b)
  local x = {}
  for i, byte in ipairs(a) do x[i] = byte ~ b[i] end
  return x
end

function array.substitute(a, box)
  local x = {}
  for i, byte in ipairs(a) do x[i] = box[byte] end
  return x
end

function array.permute(a, box)
  local x = {}
  for i, from in ipairs(box) do x[i] = a[from] end
  return x
end

function array.readFromQueue(queue, size)
  local x = {}
  for i = 1, size do x[i] = queue.pop() end
  return x
end

function array.writeToQueue(queue, a)
  for _, byte in ipairs(a) do queue.push(byte) end
end

return array
