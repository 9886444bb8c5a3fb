Escrow = {} Handlers.add('open', 'Open', function (m) Escrow[m.Id] = { from = m.From, amount = m.Amount } m.reply({ Data = 'opened' }) end) Handlers.add('release', 'Release', function (m) local e = Escrow[m.Which] assert(e, 'no such escrow') assert(e.from == m.From, 'not yours') Escrow[m.Which] = nil Send({ Target = e.from, Action = 'Released', Amount = e.amount }) end)
--@ message {"Action":"Open","Amount":"5"} {"Id":"E1"}
--@ message {"Action":"Release","Which":"E1"} {"From":"other"}
--@ message {"Action":"Release","Which":"E1"}
--@ message {"Action":"Release","Which":"E1"}
