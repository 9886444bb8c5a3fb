local u = require('.crypto').utils local a = u.array.fromString('abc') return u.array.toHex(a) .. u.array.toString(u.array.concat(a, u.array.fromHex('64'))) .. u.array.size(a) .. u.array.toHex(u.array.XOR(a, { 1, 2, 3 })) .. u.array.toString(u.array.slice(a, 2, 3)) .. u.array.toString(u.array.truncate(a, 2)) .. u.array.toHex(u.array.copy(a))
--@ eval
local u = require('.crypto').utils local s = u.stream.fromString('hi') return s() .. ' ' .. s() .. ' ' .. tostring(s()) .. u.stream.toHex(u.stream.fromHex('0aFF')) .. u.stream.toString(u.stream.fromArray({ 104, 105 })) .. #u.stream.toArray(u.stream.fromString('xyz'))
--@ eval
local q = require('.crypto').utils.queue() q.push(1) q.push(2) return q.size() .. q.pop() .. q.size() .. q.pop() .. tostring(q.pop()) .. q.size()
--@ eval
local h = require('.crypto').utils.hex return h.stringToHex('AZ') .. h.hexToString('4142') .. tostring(pcall(h.hexToString, 'xyz'))
--@ eval
return require('.crypto').utils.bit.band(7, 2) .. ' ' .. require('.crypto')._version
