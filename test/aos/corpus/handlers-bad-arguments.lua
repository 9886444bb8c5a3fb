Handlers.prepend(nil, 'x', print)
--@ eval
Handlers.append('n', nil, print)
--@ eval
Handlers.once(5, 5, print)
--@ eval
Handlers.add()
--@ eval
Handlers.after('_eval').add(1, 2, 3)
--@ eval
Handlers.remove()
