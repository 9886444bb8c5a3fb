Send({ Target = 'a' }) Send({ Target = 'b' }) table.remove(ao.outbox.Messages, 1)
--@ eval
ao.outbox.Messages[1] = { Target = 'raw' } return #ao.outbox.Messages
--@ eval
ao.outbox.Output = 'ignored' return 'shown'
