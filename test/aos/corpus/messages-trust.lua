return table.concat(ao.authorities, ',')
--@ message {"Action":"Hi"} {"From":"p","Owner":"stranger"}
--@ message {"Action":"Hi"} {"From":"p","Owner":"authority"}
--@ eval
table.insert(ao.authorities, 'stranger')
--@ message {"Action":"Hi"} {"From":"p","Owner":"stranger"}
--@ eval
ao.authorities = {}
--@ message {"Action":"Hi"} {"From":"p","Owner":"authority"}
