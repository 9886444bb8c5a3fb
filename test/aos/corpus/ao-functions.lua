return ao.id .. ao._module .. ao._version .. type(ao.env) .. #ao.authorities
--@ eval
local c = ao.clone({ a = { b = 1 }, [{ k = 1 }] = 'x' }) return c.a.b
--@ eval
local t = { 1 } t.self = t local c = ao.clone(t) return tostring(c.self == c) .. tostring(c ~= t)
--@ eval
local s = ao.sanitize({ From = 'x', Action = 'a', Data = 'd', Tags = {}, Id = '1', Custom = 'c' }) local k = {} for n in pairs(s) do k[#k + 1] = n end table.sort(k) return table.concat(k, ',')
--@ eval
ao.log('x') return 1
--@ eval
local r = ao.result({ Output = 'o' }) return r.Output .. type(r.Messages)
--@ eval
local r = ao.result({ Error = 'e' }) return tostring(r.Error) .. tostring(r.Output)
--@ eval
return tostring(ao.isTrusted({ From = 'x', Owner = 'y' })) .. tostring(ao.isAssignment({ Target = 'x' })) .. tostring(ao.isAssignable({ Action = 'x' }))
--@ eval
ao.clearOutbox() return #ao.outbox.Messages
