;; A module that attacks its host: the first letter of the message says how, 16 hexadecimal digits after it with which
;; number. Anything else counts messages, as counter.wat does, so that damage shows. attack_test.c has the list.
(module
  (import "env" "emscripten_memcpy_big" (func $memcpy (param i64 i64 i64)))
  (import "env" "emscripten_resize_heap" (func $resize (param i64) (result i32)))
  (import "env" "_gmtime_js" (func $gmtime (param i64 i64)))
  (import "env" "_localtime_js" (func $localtime (param i64 i64)))
  (import "env" "_mktime_js" (func $mktime (param i64) (result i64)))
  (import "env" "_tzset_js" (func $tzset (param i64 i64 i64 i64)))
  (import "env" "strftime" (func $strftime (param i64 i64 i64 i64) (result i64)))
  (import "env" "fd_write" (func $write (param i32 i64 i64 i64) (result i32)))
  (import "env" "fd_read" (func $read (param i32 i64 i64 i64) (result i32)))
  (import "env" "environ_sizes_get" (func $environ (param i64 i64) (result i32)))
  (import "env" "__syscall_ioctl" (func $ioctl (param i32 i32 i64) (result i32)))
  (import "env" "invoke_vj" (func $invoke (param i64 i64)))
  (import "env" "exit" (func $exit (param i32)))
  (import "env" "no_such_function" (func $unknown (param i64)))
  (memory (export "memory") i64 2 200)
  (global $sp (mut i64) (i64.const 65536))
  (data (i64.const 1024) "{\"ok\":true,\"response\":{\"Output\":\"0\"}}\00")
  (data $passive "0123456789")
  (type $nothing (func))
  (type $one (func (param i64)))
  (table 8 12 funcref)
  (elem (i32.const 1) $fine $takes_one)
  (func $fine (type $nothing))
  (func $takes_one (type $one))
  (func (export "emscripten_stack_get_current") (result i64) (global.get $sp))
  (func (export "_emscripten_stack_restore") (param i64) (global.set $sp (local.get 0)))
  (func (export "_emscripten_stack_alloc") (param i64) (result i64)
    (global.set $sp (i64.and (i64.sub (global.get $sp) (local.get 0)) (i64.const -16)))
    (global.get $sp))
  (func (export "setThrew") (param i32 i32))
  (func $number (param $at i64) (result i64) (local $v i64) (local $digit i64) (local $end i64)
    (local.set $end (i64.add (local.get $at) (i64.const 16)))
    (loop $next
      (local.set $digit (i64.load8_u (local.get $at)))
      (local.set $digit (i64.sub (local.get $digit)
        (select (i64.const 48) (i64.const 87) (i64.lt_u (local.get $digit) (i64.const 58)))))
      (local.set $v (i64.or (i64.shl (local.get $v) (i64.const 4)) (local.get $digit)))
      (local.set $at (i64.add (local.get $at) (i64.const 1)))
      (br_if $next (i64.lt_u (local.get $at) (local.get $end))))
    (local.get $v))
  (func $deeper (param i64) (result i64)
    (i64.add (call $deeper (i64.add (local.get 0) (i64.const 1))) (i64.const 1)))
  ;; Many values that are alive across the call: a large frame.
  (func $wide (param $n i64) (result i64)
    (local $a i64) (local $b i64) (local $c v128) (local $d v128) (local $e f64) (local $f f64)
    (local.set $a (i64.mul (local.get $n) (i64.const 3)))
    (local.set $b (i64.mul (local.get $n) (i64.const 5)))
    (local.set $c (i64x2.splat (local.get $a)))
    (local.set $d (i64x2.splat (local.get $b)))
    (local.set $e (f64.convert_i64_s (local.get $a)))
    (local.set $f (f64.convert_i64_s (local.get $b)))
    (i64.add (call $wide (i64.add (local.get $n) (i64.const 1)))
      (i64.add (i64.add (local.get $a) (local.get $b))
        (i64.add (i64x2.extract_lane 0 (v128.xor (local.get $c) (local.get $d)))
          (i64.trunc_sat_f64_s (f64.add (local.get $e) (local.get $f)))))))
  (func $grow (local $at i64)
    (loop $more (br_if $more (i64.ne (memory.grow (i64.const 1)) (i64.const -1))))
    (loop $touch
      (i64.store (local.get $at) (i64.const 1))
      (local.set $at (i64.add (local.get $at) (i64.const 4096)))
      (br_if $touch (i64.lt_u (local.get $at) (i64.shl (memory.size) (i64.const 16))))))
  (func $host (param $which i64) (param $x i64) (param $first i64)
    (block $b15 (block $b14 (block $b13 (block $b12 (block $b11 (block $b10 (block $b9 (block $b8 (block $b7 (block $b6
    (block $b5 (block $b4 (block $b3 (block $b2 (block $b1 (block $b0
      (br_table $b0 $b1 $b2 $b3 $b4 $b5 $b6 $b7 $b8 $b9 $b10 $b11 $b12 $b13 $b14 $b15 (i32.wrap_i64 (local.get $which))))
    (call $memcpy (local.get $first) (local.get $x) (local.get $x)) (return))
    (drop (call $resize (local.get $x))) (return))
    (call $gmtime (local.get $first) (local.get $x)) (return))
    (call $localtime (local.get $first) (local.get $x)) (return))
    (drop (call $mktime (local.get $x))) (return))
    (call $tzset (local.get $first) (local.get $first) (local.get $x) (local.get $x)) (return))
    (drop (call $strftime (local.get $first) (local.get $x) (local.get $first) (local.get $x))) (return))
    (drop (call $write (i32.const 1) (local.get $first) (local.get $x) (local.get $x))) (return))
    (drop (call $read (i32.const 0) (local.get $first) (local.get $x) (local.get $x))) (return))
    (drop (call $environ (local.get $first) (local.get $x))) (return))
    (drop (call $ioctl (i32.const 1) (i32.const 21523) (local.get $x))) (return))
    (call $invoke (local.get $x) (local.get $x)) (return))
    (call $exit (i32.wrap_i64 (local.get $x))) (return))
    (call $unknown (local.get $x)) (return))
    (call $memcpy (i64.const 2048) (local.get $first) (local.get $x)) (return))
    (drop (call $strftime (i64.const 2048) (i64.const 100) (local.get $x) (i64.const 3000))))
  (func (export "handle") (param $message i64) (param $environment i64) (result i64) (local $x i64) (local $how i32)
    (local.set $how (i32.load8_u (local.get $message)))
    (if (i32.eqz (i32.load8_u offset=1 (local.get $message)))
      (then
        (i32.store8 (i64.const 1057) (i32.add (i32.load8_u (i64.const 1057)) (i32.const 1)))
        (return (i64.const 1024))))
    (local.set $x (call $number (i64.add (local.get $message) (i64.const 1))))
    (i32.store8 (i64.const 1057) (i32.const 57)) ;; what must not stay
    (block $q (block $p (block $o (block $n (block $m (block $l (block $k (block $j (block $i (block $h (block $g
    (block $f (block $e (block $d (block $c (block $b (block $a
      (br_table $a $b $c $d $e $f $g $h $i $j $k $l $m $n $o $p $q (i32.sub (local.get $how) (i32.const 97))))
    (return (i64.load8_u (local.get $x))))                                             ;; a
    (drop (i64.load (local.get $x))) (return (i64.const 1024)))                        ;; b: nobody wants the value
    (i64.store (local.get $x) (i64.const -1)) (return (i64.const 1024)))               ;; c
    (drop (v128.load (local.get $x))) (return (i64.const 1024)))                       ;; d
    (drop (i32.load16_u offset=0xffffffff (local.get $x))) (return (i64.const 1024)))  ;; e
    (drop (v128.load offset=0xfffffff0 (local.get $x))) (return (i64.const 1024))) ;; f
    (memory.fill (local.get $x) (i32.const 1) (i64.const 70000)) (return (i64.const 1024))) ;; g
    (memory.copy (i64.const 2048) (local.get $x) (local.get $x)) (return (i64.const 1024))) ;; h
    (memory.init $passive (local.get $x) (i32.const 4) (i32.const 7)) (return (i64.const 1024))) ;; i
    (call_indirect (type $nothing) (i32.wrap_i64 (local.get $x))) (return (i64.const 1024)))   ;; j
    (loop $again (br $again)))                                                         ;; k
    (return (call $deeper (local.get $x))))                                            ;; l
    (return (call $wide (local.get $x))))                                              ;; m
    (call $grow) (return (i64.const 1024)))                                            ;; n
    (return (local.get $x)))                                                           ;; o: a pointer of one's own
    (call $host (i64.and (local.get $x) (i64.const 15)) (i64.and (local.get $x) (i64.const -16)) (i64.const 1024))
    (return (i64.const 1024)))                                                         ;; p
    (call $host (i64.and (local.get $x) (i64.const 15)) (i64.and (local.get $x) (i64.const -16))
      (i64.and (local.get $x) (i64.const -16)))                                        ;; q
    (i64.const 1024)))
