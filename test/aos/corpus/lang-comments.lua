--[[ block
comment ]] return --[==[ nested ]] ]==] 'ok' -- trailing
