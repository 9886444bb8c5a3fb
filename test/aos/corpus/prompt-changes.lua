Prompt = function () return 'custom> ' end
--@ eval
return 1
--@ message {"Action":"X"}
--@ eval
Name = 'renamed' Prompt = nil
--@ eval
return 2
