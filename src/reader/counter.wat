;; An ao module in a few lines: counts the messages it has seen, in memory, and answers
;; {"ok":true,"response":{"Output":"<n>"}}. A message that begins with E ends in a trap, one with L never ends.
(module
  (memory (export "memory") i64 1 16)
  (global $sp (mut i64) (i64.const 32768))
  (data (i64.const 1024) "{\"ok\":true,\"response\":{\"Output\":\"0\"}}\00")
  (func (export "emscripten_stack_get_current") (result i64) (global.get $sp))
  (func (export "_emscripten_stack_restore") (param i64) (global.set $sp (local.get 0)))
  (func (export "_emscripten_stack_alloc") (param i64) (result i64)
    (global.set $sp (i64.and (i64.sub (global.get $sp) (local.get 0)) (i64.const -16)))
    (global.get $sp))
  (func (export "handle") (param $message i64) (param $environment i64) (result i64)
    (i32.store8 (i64.const 1057) (i32.add (i32.load8_u (i64.const 1057)) (i32.const 1)))
    (if (i32.eq (i32.load8_u (local.get $message)) (i32.const 69)) (then unreachable))
    (if (i32.eq (i32.load8_u (local.get $message)) (i32.const 76)) (then (loop $again (br $again))))
    (i64.const 1024)))
