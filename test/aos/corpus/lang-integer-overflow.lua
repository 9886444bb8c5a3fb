return math.maxinteger + 1 == math.mininteger, nil
--@ eval
return math.maxinteger * 2 .. ' ' .. math.mininteger // -1 .. ' ' .. (math.mininteger % -1) .. ' ' .. math.abs(math.mininteger)
