-- token: fungible balances. Quantities are integers in decimal, as texts, of 10^-Denomination of a unit.
--   Info, Balance, Balances, Total-Supply: answers.   Transfer: moves.   Mint: the process itself makes more.
local bint = require('.bint')(256)
local json = require('json')

Variant = "0.0.3"
Denomination = Denomination or 12
Balances = Balances or { [ao.id] = tostring(bint(10000) * bint.ipow(10, Denomination)) }
TotalSupply = TotalSupply or tostring(bint(10000) * bint.ipow(10, Denomination))
Name = Name or 'Points Coin'
Ticker = Ticker or 'PNTS'
Logo = Logo or 'SBCCXwwecBlDqRLUjb8dYABExTJXLieawf7m2aBJ-KY'

local function plus(a, b) return tostring(bint(a) + bint(b)) end
local function minus(a, b) return tostring(bint(a) - bint(b)) end

local function on(name, action, handle)
  Handlers.add(name, Handlers.utils.hasMatchingTag('Action', action), handle)
end

-- For state that is served over HTTP: the balances that changed, and what the token is.
local function patch(accounts)
  local balances = {}
  for _, account in ipairs(accounts) do balances[account] = Balances[account] end
  Send({
    device = 'patch@1.0',
    balances = balances,
    ['token-info'] = {
      name = Name, ticker = Ticker, logo = Logo, denomination = tostring(Denomination), supply = TotalSupply,
    },
  })
end

on('info', 'Info', function (msg)
  msg.reply({
    name = Name, ticker = Ticker, logo = Logo, denomination = tostring(Denomination), supply = TotalSupply,
  })
end)

on('balance', 'Balance', function (msg)
  local balance = "0"
  if msg.Tags.Recipient then
    balance = Balances[msg.Tags.Recipient] or balance
  elseif msg.Tags.Target and Balances[msg.Tags.Target] then
    balance = Balances[msg.Tags.Target]
  else
    balance = Balances[msg.From] or balance
  end
  msg.reply({ Balance = balance, Ticker = Ticker, Account = msg.Tags.Recipient or msg.From, Data = balance })
end)

on('balances', 'Balances', function (msg)
  msg.reply({ Data = json.encode(Balances) })
end)

on('transfer', 'Transfer', function (msg)
  local recipient, quantity = msg.Recipient, msg.Quantity
  assert(type(recipient) == 'string', 'Recipient is required!')
  assert(type(quantity) == 'string', 'Quantity is required!')
  assert(bint(quantity) > bint.zero(), 'Quantity must be greater than 0')

  Balances[msg.From] = Balances[msg.From] or "0"
  Balances[recipient] = Balances[recipient] or "0"
  if bint(quantity) > bint(Balances[msg.From]) then
    msg.reply({ Action = 'Transfer-Error', ['Message-Id'] = msg.Id, Error = 'Insufficient Balance!' })
    return
  end
  Balances[msg.From] = minus(Balances[msg.From], quantity)
  Balances[recipient] = plus(Balances[recipient], quantity)

  if not msg.Cast then
    local debit = {
      Action = 'Debit-Notice', Recipient = recipient, Quantity = quantity,
      Data = Colors.gray .. "You transferred " .. Colors.blue .. quantity .. Colors.gray .. " to " .. Colors.green ..
        recipient .. Colors.reset,
    }
    local credit = {
      Target = recipient, Action = 'Credit-Notice', Sender = msg.From, Quantity = quantity,
      Data = Colors.gray .. "You received " .. Colors.blue .. quantity .. Colors.gray .. " from " .. Colors.green ..
        msg.From .. Colors.reset,
    }
    for name, value in pairs(msg) do
      if name:sub(1, 2) == 'X-' then
        debit[name] = value
        credit[name] = value
      end
    end
    msg.reply(debit)
    Send(credit)
  end
  patch({ recipient, msg.From })
end)

on('mint', 'Mint', function (msg)
  assert(type(msg.Quantity) == 'string', 'Quantity is required!')
  assert(bint(msg.Quantity) > bint.zero(), 'Quantity must be greater than zero!')
  if msg.From ~= ao.id then
    msg.reply({
      Action = 'Mint-Error', ['Message-Id'] = msg.Id,
      Error = 'Only the Process Id can mint new ' .. Ticker .. ' tokens!',
    })
    return
  end
  Balances[ao.id] = plus(Balances[ao.id] or "0", msg.Quantity)
  TotalSupply = plus(TotalSupply, msg.Quantity)
  msg.reply({
    Data = Colors.gray .. "Successfully minted " .. Colors.blue .. msg.Quantity .. Colors.reset,
  })
  patch({ ao.id })
end)

on('totalSupply', 'Total-Supply', function (msg)
  assert(msg.From ~= ao.id, 'Cannot call Total-Supply from the same process!')
  msg.reply({ Action = 'Total-Supply', Data = TotalSupply, Ticker = Ticker })
end)

on('burn', 'Burn', function () print('not implemented') end)
