;; An ao module in a few lines: counts the messages it has seen, in memory, and answers
;; {"ok":true,"response":{"Output":"<n>"}}, n being the last digit. A message that begins with E ends in a trap, one with L
;; never ends; one with S looks for a while at two cells, far apart, that every other message adds 1 to, and ends in a
;; trap when they change or are not the same.
(module
  (memory (export "memory") i64 1 16)
  (global $sp (mut i64) (i64.const 32768))
  (data (i64.const 1024) "{\"ok\":true,\"response\":{\"Output\":\"0\"}}\00")
  (func (export "emscripten_stack_get_current") (result i64) (global.get $sp))
  (func (export "_emscripten_stack_restore") (param i64) (global.set $sp (local.get 0)))
  (func (export "_emscripten_stack_alloc") (param i64) (result i64)
    (global.set $sp (i64.and (i64.sub (global.get $sp) (local.get 0)) (i64.const -16)))
    (global.get $sp))
  (func $look (local $i i32) (local $was i32)
    (local.set $was (i32.load (i64.const 8192)))
    (loop $again
      (if (i32.ne (i32.load (i64.const 8192)) (local.get $was)) (then unreachable))
      (if (i32.ne (i32.load (i64.const 57344)) (local.get $was)) (then unreachable))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (i32.const 400000)))))
  (func (export "handle") (param $message i64) (param $environment i64) (result i64)
    (if (i32.eq (i32.load8_u (local.get $message)) (i32.const 83)) (then (call $look) (return (i64.const 1024))))
    (i32.store (i64.const 8192) (i32.add (i32.load (i64.const 8192)) (i32.const 1)))
    (i32.store (i64.const 57344) (i32.add (i32.load (i64.const 57344)) (i32.const 1)))
    (i32.store8 (i64.const 1057) (i32.add (i32.const 48) (i32.rem_u (i32.load (i64.const 8192)) (i32.const 10))))
    (if (i32.eq (i32.load8_u (local.get $message)) (i32.const 69)) (then unreachable))
    (if (i32.eq (i32.load8_u (local.get $message)) (i32.const 76)) (then (loop $again (br $again))))
    (i64.const 1024)))
