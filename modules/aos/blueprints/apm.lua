-- apm: the package manager (module .apm), brought up to date by its registry.
print("📦 Loading APM...")
apm = require('.apm')

local REGISTRY = "RLvG3tclmALLBCrwc17NqzNFqZCrUf3-RKZ5v8VRHiU"

Handlers.once('APM.UpdateResponse', function (msg)
  return msg.Action == 'APM.UpdateResponse' and msg.From == REGISTRY
end, function (msg)
  apm.replace(msg.Data)
end)

Send({ Target = REGISTRY, Action = 'APM.Update' })
