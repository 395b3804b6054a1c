;; The block types that most GGUFs have, brought to the order in which the GPU reads them, sixteen bytes at a time. It does what
;; src/kernels/quantize.ts and pack-words.ts do, bit for bit; those say what the order is.
;;
;; Each export takes blocks that follow one another: where they lie, where their quants and their scales go, and how many they
;; are. All places are bytes of the memory. Nothing is a function of its own, since V8 does not inline them: calls took five times as
;; long as all else.
(module
  (memory (import "env" "memory") 1)

  ;; A scale of f16, then sixteen bytes that have element j low and element 16 + j high.
  (func (export "q4_0") (param $from i32) (param $quants i32) (param $scales i32) (param $blocks i32)
    (local $low v128) (local $a v128) (local $b v128)
    (local.set $low (v128.const i32x4 0x0f0f0f0f 0x0f0f0f0f 0x0f0f0f0f 0x0f0f0f0f))
    (loop $block
      (i32.store16 align=1 (local.get $scales) (i32.load16_u align=1 (local.get $from)))
      (local.set $b (v128.load offset=2 align=1 (local.get $from)))
      (local.set $a (v128.and (local.get $b) (local.get $low)))
      (local.set $b (v128.and (i32x4.shr_u (local.get $b) (i32.const 4)) (local.get $low)))
      (v128.store align=4 (local.get $quants)
        (v128.or
          (i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27 (local.get $a) (local.get $b))
          (i32x4.shl
            (i8x16.shuffle 4 5 6 7 12 13 14 15 20 21 22 23 28 29 30 31 (local.get $a) (local.get $b))
            (i32.const 4))))
      (local.set $from (i32.add (local.get $from) (i32.const 18)))
      (local.set $quants (i32.add (local.get $quants) (i32.const 16)))
      (local.set $scales (i32.add (local.get $scales) (i32.const 2)))
      (br_if $block (local.tee $blocks (i32.sub (local.get $blocks) (i32.const 1))))))

  ;; As Q4_0, with a minimum behind the scale.
  (func (export "q4_1") (param $from i32) (param $quants i32) (param $scales i32) (param $blocks i32)
    (local $low v128) (local $a v128) (local $b v128)
    (local.set $low (v128.const i32x4 0x0f0f0f0f 0x0f0f0f0f 0x0f0f0f0f 0x0f0f0f0f))
    (loop $block
      (i32.store (local.get $scales) (i32.load align=1 (local.get $from)))
      (local.set $b (v128.load offset=4 align=1 (local.get $from)))
      (local.set $a (v128.and (local.get $b) (local.get $low)))
      (local.set $b (v128.and (i32x4.shr_u (local.get $b) (i32.const 4)) (local.get $low)))
      (v128.store align=4 (local.get $quants)
        (v128.or
          (i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27 (local.get $a) (local.get $b))
          (i32x4.shl
            (i8x16.shuffle 4 5 6 7 12 13 14 15 20 21 22 23 28 29 30 31 (local.get $a) (local.get $b))
            (i32.const 4))))
      (local.set $from (i32.add (local.get $from) (i32.const 20)))
      (local.set $quants (i32.add (local.get $quants) (i32.const 16)))
      (local.set $scales (i32.add (local.get $scales) (i32.const 4)))
      (br_if $block (local.tee $blocks (i32.sub (local.get $blocks) (i32.const 1))))))

  ;; A scale of f16, then 32 bytes as they are.
  (func (export "q8_0") (param $from i32) (param $quants i32) (param $scales i32) (param $blocks i32)
    (loop $block
      (i32.store16 align=1 (local.get $scales) (i32.load16_u align=1 (local.get $from)))
      (v128.store align=4 (local.get $quants) (v128.load offset=2 align=1 (local.get $from)))
      (v128.store offset=16 align=4 (local.get $quants) (v128.load offset=18 align=1 (local.get $from)))
      (local.set $from (i32.add (local.get $from) (i32.const 34)))
      (local.set $quants (i32.add (local.get $quants) (i32.const 32)))
      (local.set $scales (i32.add (local.get $scales) (i32.const 2)))
      (br_if $block (local.tee $blocks (i32.sub (local.get $blocks) (i32.const 1))))))

  ;; Q4_K, and Q5_K with its `fifths`: (f16 d, f16 dmin), twelve bytes of scales and minimums, 32 bytes with the fifth bits where there
  ;; are any, then runs of 32 bytes that have 32 elements low and the next 32 high.
  (func $q45 (param $from i32) (param $quants i32) (param $scales i32) (param $blocks i32) (param $fifths i32)
    (local $low v128) (local $a v128) (local $b v128) (local $even v128) (local $odd v128)
    (local $s i32) (local $m i32) (local $run i32)
    (local.set $low (v128.const i32x4 0x0f0f0f0f 0x0f0f0f0f 0x0f0f0f0f 0x0f0f0f0f))
    (loop $block
      ;; d and dmin; low nibbles of scales and minimums in turn, the first four and the last four.
      (i32.store (local.get $scales) (i32.load align=1 (local.get $from)))
      (local.set $s (i32.load offset=4 align=1 (local.get $from)))
      (local.set $m (i32.load offset=8 align=1 (local.get $from)))
      (i32.store offset=4 (local.get $scales)
        (i32.or
          (i32.and (local.get $s) (i32.const 0x0f0f0f0f))
          (i32.shl (i32.and (local.get $m) (i32.const 0x0f0f0f0f)) (i32.const 4))))
      (i32.store offset=8 (local.get $scales) (i32.load offset=12 align=1 (local.get $from)))
      ;; Their two high bits: those of the first four are bits 4 and 5 here, those of the last four bits 6 and 7.
      (local.set $s (i32.and (i32.shr_u (local.get $s) (i32.const 4)) (i32.const 0x0f0f0f0f)))
      (local.set $m (i32.and (i32.shr_u (local.get $m) (i32.const 4)) (i32.const 0x0f0f0f0f)))
      (local.set $run
        (i32.or
          (i32.and (local.get $s) (i32.const 0x03030303))
          (i32.shl (i32.and (local.get $m) (i32.const 0x03030303)) (i32.const 2))))
      (local.set $s
        (i32.or
          (i32.and (i32.shr_u (local.get $s) (i32.const 2)) (i32.const 0x03030303))
          (i32.and (local.get $m) (i32.const 0x0c0c0c0c))))
      ;; The low nibbles of four bytes side by side.
      (local.set $run (i32.and (i32.or (local.get $run) (i32.shr_u (local.get $run) (i32.const 4))) (i32.const 0x00ff00ff)))
      (local.set $s (i32.and (i32.or (local.get $s) (i32.shr_u (local.get $s) (i32.const 4))) (i32.const 0x00ff00ff)))
      (i32.store offset=12 (local.get $scales)
        (i32.or
          (i32.and (i32.or (local.get $run) (i32.shr_u (local.get $run) (i32.const 8))) (i32.const 0xffff))
          (i32.shl (i32.or (local.get $s) (i32.shr_u (local.get $s) (i32.const 8))) (i32.const 16))))
      (local.set $from (i32.add (local.get $from) (i32.const 16)))
      (local.set $scales (i32.add (local.get $scales) (i32.const 16)))
      (if (local.get $fifths)
        (then
          ;; Bit j of byte k of word i becomes bit i of byte k of word j: 4 by 4 of them change places, then 2 by 2, then single ones.
          (local.set $a (v128.load align=1 (local.get $from)))
          (local.set $b (v128.load offset=16 align=1 (local.get $from)))
          (local.set $odd
            (v128.and (v128.xor (i32x4.shr_u (local.get $a) (i32.const 4)) (local.get $b)) (local.get $low)))
          (local.set $b (v128.xor (local.get $b) (local.get $odd)))
          (local.set $a (v128.xor (local.get $a) (i32x4.shl (local.get $odd) (i32.const 4))))
          (local.set $even (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $a) (local.get $b)))
          (local.set $b (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $a) (local.get $b)))
          (local.set $odd
            (v128.and
              (v128.xor (i32x4.shr_u (local.get $even) (i32.const 2)) (local.get $b))
              (v128.const i32x4 0x33333333 0x33333333 0x33333333 0x33333333)))
          (local.set $b (v128.xor (local.get $b) (local.get $odd)))
          (local.set $even (v128.xor (local.get $even) (i32x4.shl (local.get $odd) (i32.const 2))))
          (local.set $a (i8x16.shuffle 0 1 2 3 16 17 18 19 8 9 10 11 24 25 26 27 (local.get $even) (local.get $b)))
          (local.set $b (i8x16.shuffle 4 5 6 7 20 21 22 23 12 13 14 15 28 29 30 31 (local.get $even) (local.get $b)))
          (local.set $odd
            (v128.and
              (v128.xor (i32x4.shr_u (local.get $a) (i32.const 1)) (local.get $b))
              (v128.const i32x4 0x55555555 0x55555555 0x55555555 0x55555555)))
          (local.set $b (v128.xor (local.get $b) (local.get $odd)))
          (local.set $a (v128.xor (local.get $a) (i32x4.shl (local.get $odd) (i32.const 1))))
          (v128.store align=4 (local.get $scales)
            (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $a) (local.get $b)))
          (v128.store offset=16 align=4 (local.get $scales)
            (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $a) (local.get $b)))
          (local.set $from (i32.add (local.get $from) (i32.const 32)))
          (local.set $scales (i32.add (local.get $scales) (i32.const 32)))))
      (local.set $run (i32.const 4))
      (loop $runs
        (local.set $a (v128.load align=1 (local.get $from)))
        (local.set $b (v128.load offset=16 align=1 (local.get $from)))
        (local.set $even (i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27 (local.get $a) (local.get $b)))
        (local.set $odd (i8x16.shuffle 4 5 6 7 12 13 14 15 20 21 22 23 28 29 30 31 (local.get $a) (local.get $b)))
        (v128.store align=4 (local.get $quants)
          (v128.or
            (v128.and (local.get $even) (local.get $low))
            (i32x4.shl (v128.and (local.get $odd) (local.get $low)) (i32.const 4))))
        (v128.store offset=16 align=4 (local.get $quants)
          (v128.or
            (v128.and (i32x4.shr_u (local.get $even) (i32.const 4)) (local.get $low))
            (v128.andnot (local.get $odd) (local.get $low))))
        (local.set $from (i32.add (local.get $from) (i32.const 32)))
        (local.set $quants (i32.add (local.get $quants) (i32.const 32)))
        (br_if $runs (local.tee $run (i32.sub (local.get $run) (i32.const 1)))))
      (br_if $block (local.tee $blocks (i32.sub (local.get $blocks) (i32.const 1))))))

  (func (export "q4_k") (param $from i32) (param $quants i32) (param $scales i32) (param $blocks i32)
    (call $q45 (local.get $from) (local.get $quants) (local.get $scales) (local.get $blocks) (i32.const 0)))

  (func (export "q5_k") (param $from i32) (param $quants i32) (param $scales i32) (param $blocks i32)
    (call $q45 (local.get $from) (local.get $quants) (local.get $scales) (local.get $blocks) (i32.const 1)))

  ;; A row of Q6_K: its factors stand behind the scales of all blocks. Of each half of a block there are 64 bytes of low nibbles and 32
  ;; bytes with the two high bits; then sixteen scales, and a factor of f16.
  (func (export "q6_k") (param $from i32) (param $quants i32) (param $scales i32) (param $blocks i32)
    (local $low v128) (local $a v128) (local $b v128) (local $even v128) (local $odd v128)
    (local $pairs i32) (local $factors i32) (local $run i32)
    (local.set $low (v128.const i32x4 0x0f0f0f0f 0x0f0f0f0f 0x0f0f0f0f 0x0f0f0f0f))
    (local.set $factors (i32.add (local.get $scales) (i32.mul (local.get $blocks) (i32.const 80))))
    (loop $block
      (local.set $pairs (i32.add (local.get $from) (i32.const 128)))
      (local.set $run (i32.const 4))
      (loop $runs
        (local.set $a (v128.load align=1 (local.get $from)))
        (local.set $b (v128.load offset=16 align=1 (local.get $from)))
        (local.set $even (i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27 (local.get $a) (local.get $b)))
        (local.set $odd (i8x16.shuffle 4 5 6 7 12 13 14 15 20 21 22 23 28 29 30 31 (local.get $a) (local.get $b)))
        (v128.store align=4 (local.get $quants)
          (v128.or
            (v128.and (local.get $even) (local.get $low))
            (i32x4.shl (v128.and (local.get $odd) (local.get $low)) (i32.const 4))))
        (v128.store offset=32 align=4 (local.get $quants)
          (v128.or
            (v128.and (i32x4.shr_u (local.get $even) (i32.const 4)) (local.get $low))
            (v128.andnot (local.get $odd) (local.get $low))))
        (local.set $from (i32.add (local.get $from) (i32.const 32)))
        ;; The second run of a half follows the first; behind it the high nibbles of both are skipped.
        (local.set $quants (i32.add (local.get $quants)
          (select (i32.const 48) (i32.const 16) (i32.and (local.get $run) (i32.const 1)))))
        (br_if $runs (local.tee $run (i32.sub (local.get $run) (i32.const 1)))))
      (local.set $run (i32.const 2))
      (loop $halves
        ;; Pair j of byte k of word i becomes pair i of byte k of word j, in two times four words.
        (local.set $even (v128.load align=1 (local.get $pairs)))
        (local.set $odd (v128.load offset=16 align=1 (local.get $pairs)))
        (local.set $a (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $even) (local.get $odd)))
        (local.set $b (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $even) (local.get $odd)))
        (local.set $odd
          (v128.and (v128.xor (i32x4.shr_u (local.get $a) (i32.const 4)) (local.get $b)) (local.get $low)))
        (local.set $b (v128.xor (local.get $b) (local.get $odd)))
        (local.set $a (v128.xor (local.get $a) (i32x4.shl (local.get $odd) (i32.const 4))))
        (local.set $even (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $a) (local.get $b)))
        (local.set $b (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $a) (local.get $b)))
        (local.set $odd
          (v128.and
            (v128.xor (i32x4.shr_u (local.get $even) (i32.const 2)) (local.get $b))
            (v128.const i32x4 0x33333333 0x33333333 0x33333333 0x33333333)))
        (local.set $b (v128.xor (local.get $b) (local.get $odd)))
        (local.set $even (v128.xor (local.get $even) (i32x4.shl (local.get $odd) (i32.const 2))))
        (v128.store align=4 (local.get $scales)
          (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $even) (local.get $b)))
        (v128.store offset=16 align=4 (local.get $scales)
          (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $even) (local.get $b)))
        (local.set $pairs (i32.add (local.get $pairs) (i32.const 32)))
        (local.set $scales (i32.add (local.get $scales) (i32.const 32)))
        (br_if $halves (local.tee $run (i32.sub (local.get $run) (i32.const 1)))))
      (v128.store align=4 (local.get $scales) (v128.load align=1 (local.get $pairs)))
      (i32.store16 align=1 (local.get $factors) (i32.load16_u offset=16 align=1 (local.get $pairs)))
      (local.set $from (i32.add (local.get $pairs) (i32.const 18)))
      (local.set $scales (i32.add (local.get $scales) (i32.const 16)))
      (local.set $factors (i32.add (local.get $factors) (i32.const 2)))
      (br_if $block (local.tee $blocks (i32.sub (local.get $blocks) (i32.const 1)))))))
