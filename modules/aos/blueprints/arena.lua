-- arena: rounds of a game. Players register, pay, and play until the time is up or too few are left; the game itself adds its
-- moves, calls eliminatePlayer(), and may define onTick().
--   Not-Started -> Waiting (WaitTime) -> Playing (GameTime) -> Waiting ...
local json = require('json')

GameMode = GameMode or 'Not-Started'
StateChangeTime = StateChangeTime or 0
WaitTime = WaitTime or 120000
GameTime = GameTime or 1200000
Now = Now or 0
UNIT = UNIT or 1000
PaymentToken = PaymentToken or "ADDR"
PaymentQty = PaymentQty or "1000"
BonusQty = BonusQty or "1000"
Waiting = Waiting or {}
Players = Players or {}
Winners = Winners or 0
Listeners = Listeners or {}
MinimumPlayers = MinimumPlayers or 2
PlayerInitState = PlayerInitState or function () return {} end

local function whole(n) return tostring(math.tointeger(n) or n) end

function announce(event, text)
  for _, address in ipairs(Listeners) do
    ao.send({ Target = address, Action = 'Announcement', Event = event, Data = text })
  end
  print(Colors.gray .. "Announcement: " .. Colors.red .. event .. " " .. Colors.blue .. text .. Colors.reset)
end

function sendReward(recipient, quantity, reason)
  ao.send({
    Target = PaymentToken, Action = 'Transfer', Quantity = whole(quantity), Recipient = recipient, Reason = reason,
  })
  print(Colors.gray .. "Sent Reward: " .. Colors.blue .. whole(quantity) .. Colors.gray .. " tokens to " .. Colors.green ..
    recipient .. " " .. Colors.blue .. reason .. Colors.reset)
end

function startWaitingPeriod()
  GameMode = 'Waiting'
  StateChangeTime = Now + WaitTime
  announce('Started-Waiting-Period', 'The game is about to begin! Send your token to take part.')
  print('Starting Waiting Period')
end

function removeListener(address)
  for i, listener in ipairs(Listeners) do
    if listener == address then
      table.remove(Listeners, i)
      return
    end
  end
end

local function count(t)
  local n = 0
  for _ in pairs(t) do n = n + 1 end
  return n
end

local function sorted(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

local function restart(paid)
  announce('Not-Enough-Players', 'Not enough players registered! Restarting...')
  for _, player in ipairs(paid) do
    Waiting[player] = false
    sendReward(player, PaymentQty, 'Refund')
  end
  startWaitingPeriod()
end

function startGamePeriod()
  local paid = {}
  for _, player in ipairs(sorted(Waiting)) do
    if Waiting[player] then paid[#paid + 1] = player end
  end
  if #paid < MinimumPlayers then
    restart(paid)
    return
  end
  GameMode = 'Playing'
  StateChangeTime = Now + GameTime
  for _, player in ipairs(sorted(Waiting)) do
    if Waiting[player] then
      Players[player] = PlayerInitState()
    else
      ao.send({ Target = player, Action = 'Ejected', Reason = 'Did-Not-Pay' })
      removeListener(player)
    end
  end
  announce('Started-Game', 'The game has started. Good luck!')
  print('Game Started....')
end

function endGame()
  print('Game Over')
  Winners = count(Players)
  local share = Winners > 0 and tonumber(BonusQty) // Winners or 0
  for _, player in ipairs(sorted(Players)) do
    sendReward(player, share + tonumber(PaymentQty), 'Win')
    Waiting[player] = false
  end
  Players = {}
  announce('Game-Ended', 'Congratulations! The game has ended. Remaining players at conclusion: ' .. Winners .. '.')
  startWaitingPeriod()
end

function eliminatePlayer(loser, winner)
  sendReward(winner, PaymentQty, 'Eliminated-Player')
  Waiting[loser] = false
  Players[loser] = nil
  ao.send({ Target = loser, Action = 'Eliminated', Eliminator = winner })
  announce('Player-Eliminated', loser .. ' was eliminated by ' .. winner .. '!')
  if count(Players) < MinimumPlayers then endGame() end
end

Handlers.add('Game-State-Timers', function () return 'continue' end, function (msg)
  Now = tonumber(msg.Timestamp)
  if GameMode == 'Not-Started' then
    startWaitingPeriod()
  elseif GameMode == 'Waiting' then
    if Now > StateChangeTime then startGamePeriod() end
  elseif GameMode == 'Playing' then
    if onTick then onTick() end
    if Now > StateChangeTime then endGame() end
  end
end)

local function is_payment(msg)
  local paid = msg.Action == 'Credit-Notice' and msg.From == PaymentToken and
    tonumber(msg.Tags.Quantity) >= tonumber(PaymentQty)
  return paid and 'continue' or 'skip'
end

Handlers.add('Transfer', is_payment, function (msg)
  local player = msg.Tags.Sender
  Waiting[player] = true
  ao.send({ Target = player, Action = 'Payment-Received' })
  announce('Player-Ready', player .. ' is ready to play!')
end)

Handlers.add('Register', Handlers.utils.hasMatchingTag('Action', 'Register'), function (msg)
  local listens = msg.Tags.Mode == 'Listen'
  if not listens and Waiting[msg.From] == nil then Waiting[msg.From] = false end
  removeListener(msg.From)
  table.insert(Listeners, msg.From)
  msg.reply({ Action = 'Registered' })
  announce('New Player Registered', msg.From .. ' has joined in ' .. (listens and 'listening' or 'waiting') .. '.')
end)

Handlers.add('Unregister', Handlers.utils.hasMatchingTag('Action', 'Unregister'), function (msg)
  removeListener(msg.From)
  msg.reply({ Action = 'Unregistered' })
end)

Handlers.add('AddBet', Handlers.utils.hasMatchingTag('Reason', 'AddBet'), function (msg)
  BonusQty = whole(tonumber(BonusQty) + tonumber(msg.Tags.Quantity))
  announce('Bet-Added', msg.From .. ' has placed a bet. BonusQty amount increased by ' .. msg.Tags.Quantity .. '!')
end)

Handlers.add('GetGameState', Handlers.utils.hasMatchingTag('Action', 'GameState'), function (msg)
  msg.reply({
    Action = 'GameState',
    Data = json.encode({ GameMode = GameMode, TimeRemaining = StateChangeTime - Now, Players = Players }),
  })
end)

Handlers.add('AnnounceTick', Handlers.utils.hasMatchingTag('Action', 'Tick'), function ()
  local seconds = (StateChangeTime - Now) / UNIT
  if GameMode == 'Waiting' then
    announce('Tick', 'The game will start in ' .. seconds .. ' seconds.')
  elseif GameMode == 'Playing' then
    announce('Tick', 'The game will end in ' .. seconds .. ' seconds.')
  end
end)

Handlers.add('RequestTokens', Handlers.utils.hasMatchingTag('Action', 'RequestTokens'), function (msg)
  print('Transfering Tokens: 10000000')
  ao.send({ Target = ao.id, Action = 'Transfer', Quantity = '10000000', Recipient = msg.From })
end)
