// provides: tile_emit
// needs: scale, start, emit
// Ends a tiled matmul of COL_THREADS x ROW_THREADS threads, each with 4 rows x 8 outputs: the rows are ROW_THREADS apart, the
// four pairs of outputs COL_THREADS pairs. Results go through workgroup memory, so that neighbouring threads store
// neighbouring outputs and what follows a matmul is compiled once.

struct Sums {
  // The first and the second output of each pair, for the four rows.
  a0: vec4f,
  b0: vec4f,
  a1: vec4f,
  b1: vec4f,
  a2: vec4f,
  b2: vec4f,
  a3: vec4f,
  b3: vec4f,
}

var<workgroup> kept: array<vec4f, ROW_THREADS * COL_THREADS * 2u>; // [row, two pairs each, thread]

// The buffers have room for ROWS: what a tile computes beyond them is dropped.
fn emit_tile(row: u32, col: u32, thread: u32, sums: Sums) {
  measure_rows(row, thread);
  let at = (thread / COL_THREADS) * 2u * COL_THREADS + thread % COL_THREADS;
  for (var i = 0u; i < 4u; i++) {
    workgroupBarrier();
    kept[at] = vec4f(sums.a0[i], sums.b0[i], sums.a1[i], sums.b1[i]);
    kept[at + COL_THREADS] = vec4f(sums.a2[i], sums.b2[i], sums.a3[i], sums.b3[i]);
    workgroupBarrier();
    for (var n = thread; n < ROW_THREADS * 4u * COL_THREADS; n += ROW_THREADS * COL_THREADS) {
      let pair = n % (4u * COL_THREADS);
      let y = n / (4u * COL_THREADS);
      let four = kept[(y * 2u + pair / (2u * COL_THREADS)) * COL_THREADS + pair % COL_THREADS];
      let outputs = row_scale(y + ROW_THREADS * i) * select(four.xy, four.zw, (pair / COL_THREADS) % 2u == 1u);
      let r = row + y + ROW_THREADS * i;
      if (r < ROWS) {
        let first = start_pair(r, col + 2u * pair);
        emit(r, FIRST + col + 2u * pair, first.x + outputs.x, first.y + outputs.y);
      }
    }
  }
}
