for i, r in ipairs({ 1, 0, -1, 2.5, -0.5 }) do Handlers.add('r' .. i, function (m) return m.R == tostring(i) and r or 0 end, function () print('ran ' .. i) end) end
--@ message {"R":"1"}
--@ message {"R":"2"}
--@ message {"R":"3"}
--@ message {"R":"4"}
--@ message {"R":"5"}
