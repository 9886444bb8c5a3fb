local t = { 1, 2, 3 } t[5] = 5 t[4] = 4 local u = { n = 1 } return #t .. #u .. #{} .. #{ nil } .. #'héllo'
