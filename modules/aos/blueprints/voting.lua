-- voting: those who have staked (staking blueprint) vote with their stake for or against a target, until a deadline in blocks.
local bint = require('.bint')(256)

Votes = Votes or {}

function Handlers.vote(msg)
  local staked = Stakers[msg.From] and bint(Stakers[msg.From].amount) or bint.zero()
  local target, side = msg.Tags.Target, msg.Tags.Side
  local deadline = tonumber(msg['Block-Height']) + (tonumber(msg.Tags.Deadline) or 0)
  assert(staked > bint.zero(), 'No staked tokens to vote')
  assert(type(target) == 'string', 'Target is required!')
  assert(side == 'yay' or side == 'nay', 'Side must be yay or nay')
  local vote = Votes[target] or { yay = "0", nay = "0", deadline = deadline }
  vote[side] = tostring(bint(vote[side]) + staked)
  Votes[target] = vote
end

local function finalize(msg)
  local height = tonumber(msg['Block-Height'])
  for target, vote in pairs(Votes) do
    if height >= vote.deadline then
      if bint(vote.yay) > bint(vote.nay) then print("Handle Vote") end
      Votes[target] = nil
    end
  end
end

Handlers.add('vote', Handlers.utils.hasMatchingTag('Action', 'Vote'), Handlers.vote)
Handlers.add('finalize', function () return 'continue' end, finalize)
