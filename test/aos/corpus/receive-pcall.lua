Handlers.add('p', 'P', function (m) local ok, r = pcall(function () local r = Receive({ Action = 'R' }) if r.Data == 'bad' then error('refused', 0) end return r.Data end) print(tostring(ok) .. ' ' .. tostring(r)) end)
--@ message {"Action":"P"}
--@ message {"Action":"R"} {"Data":"bad"}
--@ message {"Action":"P"}
--@ message {"Action":"R"} {"Data":"good"}
