return 'x'
--@ blueprint token
--@ message {"Action":"Info"}
--@ message {"Action":"Transfer","Recipient":"alice","Quantity":"1000"} {"From":"process"}
--@ message {"Action":"Balance","Recipient":"alice"}
--@ message {"Action":"Transfer","Recipient":"bob","Quantity":"400"} {"From":"alice"}
--@ message {"Action":"Transfer","Recipient":"bob","Quantity":"601"} {"From":"alice"}
--@ message {"Action":"Balances"}
--@ message {"Action":"Mint","Quantity":"5"} {"From":"process"}
--@ message {"Action":"Total-Supply"}
--@ eval
return Balances.alice .. ' ' .. Balances.bob .. ' ' .. TotalSupply
