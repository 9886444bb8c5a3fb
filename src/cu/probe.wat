;; A module to test the compute unit with. It counts what it evaluates, in memory, and answers
;; {"ok":true,"response":{"Output":"<count, six digits>"}}. The first character of a message's Data asks for more:
;;
;;   ?  echo: Output is {"message":<the message>,"environment":<the environment>}, byte for byte
;;   E  trap          X  answer with an Error, an Output and a Message     F  ok:false, with a text
;;   L  never end     M  answer with a Message, a Spawn and an Assignment  G  grow the memory, and fill what is new
;;   T  Output is the host's clock, asked twice                            K  Output is a counter in a global, not in memory
;;   B  Output ends in aos's words for want of memory                      N  Output is the number 7
;;   S  count to 50 million first
;;
;; What a cron gets is echoed.
(module
  (import "env" "emscripten_date_now" (func $now (result f64)))
  (memory (export "memory") i64 8 128)
  (global $sp (mut i64) (i64.const 393216))
  (global $out (mut i64) (i64.const 0))
  (global $calls (mut i32) (i32.const 0))
  (data (i64.const 1024) "{\"ok\":true,\"response\":{\"Output\":\"000000\"}}\00")
  (data (i64.const 1100) "{\"ok\":true,\"response\":{\"Output\":\"half\",\"Error\":\"wanted\",\"Messages\":[{\"Target\":\"t\"}]}}\00")
  (data (i64.const 1200) "{\"ok\":false,\"response\":\"thrown\"}\00")
  (data (i64.const 1300) "{\"ok\":true,\"response\":{\"Messages\":[{\"Target\":\"t\"}],\"Spawns\":[{\"Tags\":[]}],\"Assignments\":[{\"Message\":\"m\",\"Processes\":[]}],\"Patches\":[1]}}\00")
  (data (i64.const 1500) "{\"ok\":true,\"response\":{\"Output\":{\"message\":\00")
  (data (i64.const 1600) ",\"environment\":\00")
  (data (i64.const 1700) "}}}\00")
  (data (i64.const 1800) "{\"ok\":true,\"response\":{\"Output\":\"000000000000000000\"}}\00")
  (data (i64.const 1900) "{\"ok\":true,\"response\":{\"Output\":\"x: not enough memory for buffer allocation\"}}\00")
  (data (i64.const 2000) "{\"ok\":true,\"response\":{\"Output\":7}}\00")
  (func (export "emscripten_stack_get_current") (result i64) (global.get $sp))
  (func (export "_emscripten_stack_restore") (param i64) (global.set $sp (local.get 0)))
  (func (export "_emscripten_stack_alloc") (param i64) (result i64)
    (global.set $sp (i64.and (i64.sub (global.get $sp) (local.get 0)) (i64.const -16)))
    (global.get $sp))

  ;; adds one to the six digits at 1057
  (func $count (local $at i64)
    (local.set $at (i64.const 1062))
    (loop $carry
      (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 57))
        (then
          (i32.store8 (local.get $at) (i32.const 48))
          (local.set $at (i64.sub (local.get $at) (i64.const 1)))
          (br $carry))
        (else
          (i32.store8 (local.get $at) (i32.add (i32.load8_u (local.get $at)) (i32.const 1)))))))

  ;; what follows the first "Data":" of a text; ? where it says "Cron":true; or 0
  (func $data (param $at i64) (result i32)
    (loop $next
      (if (i32.eqz (i32.load8_u (local.get $at))) (then (return (i32.const 0))))
      (if (i64.eq (i64.load (local.get $at)) (i64.const 0x223a226174614422))
        (then (return (i32.load8_u offset=8 (local.get $at)))))
      (if (i64.eq (i64.load (local.get $at)) (i64.const 0x743a226e6f724322)) (then (return (i32.const 63))))
      (local.set $at (i64.add (local.get $at) (i64.const 1)))
      (br $next))
    (i32.const 0))

  (func $put (param $from i64) (local $c i32)
    (loop $next
      (local.set $c (i32.load8_u (local.get $from)))
      (i32.store8 (global.get $out) (local.get $c))
      (if (local.get $c)
        (then
          (global.set $out (i64.add (global.get $out) (i64.const 1)))
          (local.set $from (i64.add (local.get $from) (i64.const 1)))
          (br $next)))))

  ;; `n` in decimal, ending before `at`
  (func $number (param $at i64) (param $n i64)
    (loop $next
      (local.set $at (i64.sub (local.get $at) (i64.const 1)))
      (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $n) (i64.const 10)))))
      (local.set $n (i64.div_u (local.get $n) (i64.const 10)))
      (br_if $next (i64.ne (local.get $n) (i64.const 0)))))

  (func $spin (local $n i32)
    (loop $next
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $n) (i32.const 50000000)))))

  (func (export "handle") (param $message i64) (param $environment i64) (result i64) (local $ask i32)
    (call $count)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (local.set $ask (call $data (local.get $message)))
    (if (i32.eq (local.get $ask) (i32.const 69)) (then unreachable))
    (if (i32.eq (local.get $ask) (i32.const 76)) (then (loop $again (br $again))))
    (if (i32.eq (local.get $ask) (i32.const 83)) (then (call $spin)))
    (if (i32.eq (local.get $ask) (i32.const 88)) (then (return (i64.const 1100))))
    (if (i32.eq (local.get $ask) (i32.const 70)) (then (return (i64.const 1200))))
    (if (i32.eq (local.get $ask) (i32.const 77)) (then (return (i64.const 1300))))
    (if (i32.eq (local.get $ask) (i32.const 66)) (then (return (i64.const 1900))))
    (if (i32.eq (local.get $ask) (i32.const 78)) (then (return (i64.const 2000))))
    (if (i32.eq (local.get $ask) (i32.const 71))
      (then
        (if (i64.eq (memory.grow (i64.const 4)) (i64.const -1)) (then unreachable))
        (memory.fill (i64.sub (i64.shl (memory.size) (i64.const 16)) (i64.const 262144)) (i32.const 71) (i64.const 262144))))
    (if (i32.eq (local.get $ask) (i32.const 84))
      (then
        (call $number (i64.const 1842) (i64.trunc_f64_u (call $now)))
        (call $number (i64.const 1851) (i64.trunc_f64_u (call $now)))
        (return (i64.const 1800))))
    (if (i32.eq (local.get $ask) (i32.const 75))
      (then
        (call $number (i64.const 1851) (i64.extend_i32_u (global.get $calls)))
        (return (i64.const 1800))))
    (if (i32.eq (local.get $ask) (i32.const 63))
      (then
        (global.set $out (i64.const 400000))
        (call $put (i64.const 1500))
        (call $put (local.get $message))
        (call $put (i64.const 1600))
        (call $put (local.get $environment))
        (call $put (i64.const 1700))
        (return (i64.const 400000))))
    (i64.const 1024)))
