A, B, C = 1, 'two', { 3 } function D() return A + 1 end
--@ message {"Action":"X"}
--@ eval
return A .. B .. C[1] .. D()
--@ eval
A = nil return tostring(A) .. tostring(rawget(_G, 'A'))
