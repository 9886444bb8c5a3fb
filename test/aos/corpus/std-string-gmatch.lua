local o = {} for k, v in ('a=1, b=2, c=3'):gmatch('(%w+)=(%w+)') do o[#o + 1] = k .. v end for w in ('one two'):gmatch('%a+') do o[#o + 1] = w end return table.concat(o, ' ')
