-- Eval: the owner's code, tried as an expression first. Its first value is shown, its second is an error.
local _, native = ...
local files = require('.files')
local stringify = require('.stringify')

return function (ao)
  return function (msg)
    local expr = msg.Data
    local func = native.load("return " .. expr, 'aos', _G, tostring(expr))
    local err
    if not func then
      func, err = native.load(tostring(expr), 'aos', _G)
    end
    if not func then
      ao.outbox.Error = files.error(err, expr)
      return
    end
    files.place(func, expr)
    local output, e = func()
    if e then
      ao.outbox.Error = e
      return
    end
    if not output then return end
    local text = type(output) == 'table' and stringify.format(output) or tostring(output)
    if HANDLER_PRINT_LOGS then
      table.insert(HANDLER_PRINT_LOGS, text)
    else
      ao.outbox.Output = { data = { output = text, prompt = Prompt() }, prompt = Prompt() }
    end
  end
end
