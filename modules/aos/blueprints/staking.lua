-- staking: locks balances of the token blueprint. Stake takes from the balance; Unstake gives back, after UnstakeDelay blocks.
local bint = require('.bint')(256)
local json = require('json')

Variant = "0.0.4"
Stakers = Stakers or {}
Unstaking = Unstaking or {}
UnstakeDelay = UnstakeDelay or 670

local function plus(a, b) return tostring(bint(a) + bint(b)) end
local function minus(a, b) return tostring(bint(a) - bint(b)) end

-- Returns what has waited long enough. It sees every message and lets it go on.
local function finalize(msg)
  local height = tonumber(msg['Block-Height'])
  for account, entry in pairs(Unstaking) do
    if not entry.release_at or entry.release_at <= height then
      Balances[account] = plus(Balances[account] or "0", entry.amount)
      Unstaking[account] = nil
    end
  end
end

function Handlers.stake(msg)
  local account, quantity = msg.From, bint(msg.Tags.Quantity)
  assert(quantity > bint.zero(), 'Quantity must be greater than 0')
  assert(bint(Balances[account] or "0") >= quantity, 'Insufficient balance to stake')
  Balances[account] = minus(Balances[account], quantity)
  local staked = Stakers[account] and Stakers[account].amount or "0"
  Stakers[account] = { amount = plus(staked, quantity), unstake_at = tonumber(msg['Block-Height']) + UnstakeDelay }
  print("Successfully Staked " .. msg.Tags.Quantity)
  msg.reply({ Data = "Successfully Staked " .. msg.Tags.Quantity })
end

function Handlers.unstake(msg)
  local account, quantity = msg.From, bint(msg.Tags.Quantity)
  assert(quantity > bint.zero(), 'Quantity must be greater than 0')
  local staked = Stakers[account]
  assert(staked and bint(staked.amount) >= quantity, 'Insufficient staked amount')
  staked.amount = minus(staked.amount, quantity)
  -- What is on its way already waits with the new amount.
  local waiting = Unstaking[account] and Unstaking[account].amount or "0"
  Unstaking[account] = { amount = plus(waiting, quantity), release_at = tonumber(msg['Block-Height']) + UnstakeDelay }
  msg.reply({ Data = "Successfully unstaked " .. msg.Tags.Quantity })
end

Handlers.prepend('staking.finalize', function () return 'continue' end, finalize)

Handlers.add('staking.balances', Handlers.utils.hasMatchingTag('Action', 'Stakers'), function (msg)
  msg.reply({ Data = json.encode(Stakers) })
end)

Handlers.add('staking.stake', Handlers.utils.hasMatchingTag('Action', 'Stake'), Handlers.stake)
Handlers.add('staking.unstake', Handlers.utils.hasMatchingTag('Action', 'Unstake'), Handlers.unstake)
