-- patch-legacy-reply: gives messages msg.reply, on modules older than 2.0, which have none.
Handlers.prepend('_patch_reply', function () return 'continue' end, function (msg)
  if msg.reply then return end
  msg.reply = function (replyMsg)
    replyMsg.Target = msg['Reply-To'] or replyMsg.Target or msg.From
    replyMsg['X-Reference'] = msg['X-Reference'] or msg.Reference or ''
    replyMsg['X-Origin'] = msg['X-Origin'] or ''
    return ao.send(replyMsg)
  end
end)
