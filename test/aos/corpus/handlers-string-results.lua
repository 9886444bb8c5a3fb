for _, r in ipairs({ 'skip', 'continue', 'break', 'BREAK', '' }) do Handlers.add('r' .. r, function (m) return m.R == r and r or 'skip' end, function () print('ran ' .. r) end) end
--@ message {"R":"skip"}
--@ message {"R":"continue"}
--@ message {"R":"break"}
--@ message {"R":"BREAK"}
