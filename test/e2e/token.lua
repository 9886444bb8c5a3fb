-- Our own small token for the tests: one ledger, transfers that must be covered.
Balances = Balances or {}

Handlers.add("Give", "Give", function (msg)
  local from, to, quantity = msg.Payer, msg.Recipient, tonumber(msg.Quantity)
  assert(quantity and quantity > 0 and quantity % 1 == 0, "Quantity must be a whole number above zero")
  assert((Balances[from] or 0) >= quantity, "Insufficient balance")
  Balances[from] = Balances[from] - quantity
  Balances[to] = (Balances[to] or 0) + quantity
end)
