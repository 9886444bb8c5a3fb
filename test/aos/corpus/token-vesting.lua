Vest = { total = 1000, start = 1735689600000, span = 10000 } Handlers.add('claim', 'Claim', function (m) local t = m.Timestamp - Vest.start local open = math.min(Vest.total, Vest.total * t // Vest.span) m.reply({ Data = string.format('%d', open) }) end)
--@ message {"Action":"Claim"}
--@ message {"Action":"Claim"}
--@ message {"Action":"Claim"} {"Timestamp":1735689700000}
