local o = {} for _, s in ipairs({ 'action', 'ACTION', 'x-y_z', '-lead', 'trail-', 'a--b', 'ünïcode', '9lives', 'two words', '' }) do o[#o + 1] = Utils.normalize(s) end return table.concat(o, '|')
--@ eval
return tostring(Utils.normalize(5)) .. tostring(Utils.normalize(nil)) .. Utils.capitalize('hELLO') .. tostring(Utils.capitalize(5)) .. Utils.capitalize('')
