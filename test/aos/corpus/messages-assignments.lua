return #ao.assignables
--@ message {"Action":"X"} {"Target":"elsewhere"}
--@ eval
ao.addAssignable({ Action = 'X' })
--@ message {"Action":"X"} {"Target":"elsewhere"}
--@ message {"Action":"Y"} {"Target":"elsewhere"}
--@ eval
ao.addAssignable('named', function (m) return m.Action == 'Y' end) return #ao.assignables
--@ message {"Action":"Y"} {"Target":"elsewhere"}
--@ eval
ao.removeAssignable('named') ao.removeAssignable(1)
--@ message {"Action":"X"} {"Target":"elsewhere"}
