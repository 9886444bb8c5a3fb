-- The process message, once: it is the first in the inbox, and its tag On-Boot may name code to run: its own Data, or that of
-- a transaction.
return function (ao)
  local eval = require('.eval')(ao)

  local function read(id)
    local file = io.open('/data/' .. id, 'r')
    if not file then return nil end
    local text = file:read('a')
    file:close()
    return text
  end

  return function (msg)
    if #Inbox == 0 then table.insert(Inbox, msg) end
    local on_boot = msg.Tags['On-Boot']
    if on_boot == nil then return end
    if on_boot == 'Data' then
      eval(msg)
    else
      eval({ Data = read(on_boot) })
    end
  end
end
