;; A module to test migrations with (migrate.c). It counts what it evaluates, in memory, and answers with its version and the
;; count: {"ok":true,"response":{"Output":"v1:<six digits>"}}. A test makes other versions by changing "v1:" in its bytes: in the
;; data, and in the code, which has it as a number (0x41'3a'31'76), so that memory and code of different versions show.
;;
;; For Action Migrate.Module it gives the count and the first character of the message's Data as its state. For
;; Migrate.Import it takes the count over, and the character asks for more:
;;
;;   E  trap   L  never end   F  answer with an Error   N  answer like any message   G  grow the memory, and fill what is new
;;   H  more memory than there may be   X  (at Migrate.Module) answer with an Error
(module
  (memory (export "memory") i64 8 128)
  (global $sp (mut i64) (i64.const 393216))
  (data (i64.const 1024) "{\"ok\":true,\"response\":{\"Output\":\"v1:000000\"}}\00")
  (data (i64.const 1200) "{\"ok\":true,\"response\":{\"Output\":\"moving\",\"Migration\":\"000000?\"}}\00")
  (data (i64.const 1300) "{\"ok\":true,\"response\":{\"Output\":\"v1:took 000000\",\"Messages\":[{\"Target\":\"t\"}],\"Migration\":true}}\00")
  (data (i64.const 1500) "{\"ok\":true,\"response\":{\"Error\":\"not wanted\"}}\00")
  (func (export "emscripten_stack_get_current") (result i64) (global.get $sp))
  (func (export "_emscripten_stack_restore") (param i64) (global.set $sp (local.get 0)))
  (func (export "_emscripten_stack_alloc") (param i64) (result i64)
    (global.set $sp (i64.and (i64.sub (global.get $sp) (local.get 0)) (i64.const -16)))
    (global.get $sp))

  ;; adds one to the six digits at 1060
  (func $count (local $at i64)
    (local.set $at (i64.const 1065))
    (loop $carry
      (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 57))
        (then
          (i32.store8 (local.get $at) (i32.const 48))
          (local.set $at (i64.sub (local.get $at) (i64.const 1)))
          (br $carry))
        (else
          (i32.store8 (local.get $at) (i32.add (i32.load8_u (local.get $at)) (i32.const 1)))))))

  ;; what follows the eight bytes, or 0
  (func $after (param $at i64) (param $what i64) (result i64)
    (loop $next
      (if (i32.eqz (i32.load8_u (local.get $at))) (then (return (i64.const 0))))
      (if (i64.eq (i64.load (local.get $at)) (local.get $what)) (then (return (i64.add (local.get $at) (i64.const 8)))))
      (local.set $at (i64.add (local.get $at) (i64.const 1)))
      (br $next))
    (i64.const 0))

  (func $export (param $ask i32) (result i64)
    (call $count)
    (if (i32.eq (local.get $ask) (i32.const 88)) (then (return (i64.const 1500))))
    (memory.copy (i64.const 1254) (i64.const 1060) (i64.const 6))
    (i32.store8 (i64.const 1260) (local.get $ask))
    (i64.const 1200))

  (func $import (param $state i64) (result i64) (local $ask i32)
    (local.set $ask (i32.load8_u offset=6 (local.get $state)))
    (memory.copy (i64.const 1060) (local.get $state) (i64.const 6))
    (memory.copy (i64.const 1341) (local.get $state) (i64.const 6))
    (if (i32.eq (local.get $ask) (i32.const 69)) (then unreachable))
    (if (i32.eq (local.get $ask) (i32.const 76)) (then (loop $again (br $again))))
    (if (i32.eq (local.get $ask) (i32.const 70)) (then (return (i64.const 1500))))
    (if (i32.eq (local.get $ask) (i32.const 78)) (then (return (i64.const 1024))))
    (if (i32.eq (local.get $ask) (i32.const 72))
      (then (if (i64.eq (memory.grow (i64.const 100000)) (i64.const -1)) (then unreachable))))
    (if (i32.eq (local.get $ask) (i32.const 71))
      (then
        (if (i64.eq (memory.grow (i64.const 4)) (i64.const -1)) (then unreachable))
        (memory.fill (i64.sub (i64.shl (memory.size) (i64.const 16)) (i64.const 262144)) (i32.const 71) (i64.const 262144))))
    (i64.const 1300))

  (func (export "handle") (param $message i64) (param $environment i64) (result i64) (local $data i64) (local $action i64)
    (local.set $data (call $after (local.get $message) (i64.const 0x223a226174614422))) ;; "Data":"
    (local.set $action (call $after (local.get $message) (i64.const 0x2e6574617267694d))) ;; Migrate.
    (if (i64.ne (local.get $action) (i64.const 0))
      (then
        (if (i32.eq (i32.load8_u (local.get $action)) (i32.const 77))
          (then (return (call $export (i32.load8_u (local.get $data))))))
        (return (call $import (local.get $data)))))
    (call $count)
    (i32.store8 (i64.const 1058) (i32.shr_u (i32.reinterpret_f32 (f32.const 0x1.7462ecp+3)) (i32.const 8)))
    (i64.const 1024)))
