return require('.pretty').tprint({ a = 1 }) .. require('.pretty').tprint({ { 1, 2 }, 'x' }) .. require('.pretty').tprint({ b = { c = 'd' } }, 2)
