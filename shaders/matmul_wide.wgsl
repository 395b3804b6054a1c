// needs: rows, products, share, scale, start, emit
// As matmul_rows has it, sixteen rows of x with eight outputs of a lane: weights are loaded and unpacked half as often, and so is
// x. Compiling it takes two to three times as long. Sums are in the same order.
override FIRST: u32 = 0u; // the output that the first row of this matrix gives: others may stand before it
override N: u32; // outputs up to the last row of this matrix
override LANES: u32; // of the workgroup
override ROWS: u32; // of x: 16
override OUTPUTS: u32; // that one lane keeps: 8
override WORKGROUP: u32 = LANES;
override GROUP_ROWS: u32 = ROWS; // that one workgroup makes

@group(0) @binding(0) var<storage, read> x: array<vec4f>; // [T rounded up to 16, K_BLOCKS * 8]

// The blocks of eight matrix rows.
struct Eight {
  low: Four,
  high: Four,
  low_columns: Columns,
  high_columns: Columns,
}

fn load_eight(row: u32, block: u32) -> Eight {
  let low = load_four(row, block);
  let high = load_four(row + 4u, block);
  return Eight(low, high, all_columns(low), all_columns(high));
}

// What a block adds to the outputs of one row.
fn eight_products(w: Eight, x: Shared) -> mat2x4f {
  return mat2x4f(block_products(w.low, w.low_columns, x), block_products(w.high, w.high_columns, x));
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let col = (group.x * LANES + lane) * OUTPUTS;
  let first_row = first_row_of(group.y);
  var s: array<mat2x4f, 16>;
  for (var block = 0u; block < K_BLOCKS; block++) {
    let w = load_eight(col, block);
    s[0] += eight_products(w, load_shared(first_row, 0u, block, lane));
    s[1] += eight_products(w, load_shared(first_row, 1u, block, lane));
    s[2] += eight_products(w, load_shared(first_row, 2u, block, lane));
    s[3] += eight_products(w, load_shared(first_row, 3u, block, lane));
    s[4] += eight_products(w, load_shared(first_row, 4u, block, lane));
    s[5] += eight_products(w, load_shared(first_row, 5u, block, lane));
    s[6] += eight_products(w, load_shared(first_row, 6u, block, lane));
    s[7] += eight_products(w, load_shared(first_row, 7u, block, lane));
    s[8] += eight_products(w, load_shared(first_row, 8u, block, lane));
    s[9] += eight_products(w, load_shared(first_row, 9u, block, lane));
    s[10] += eight_products(w, load_shared(first_row, 10u, block, lane));
    s[11] += eight_products(w, load_shared(first_row, 11u, block, lane));
    s[12] += eight_products(w, load_shared(first_row, 12u, block, lane));
    s[13] += eight_products(w, load_shared(first_row, 13u, block, lane));
    s[14] += eight_products(w, load_shared(first_row, 14u, block, lane));
    s[15] += eight_products(w, load_shared(first_row, 15u, block, lane));
  }
  measure_rows(first_row, lane);
  // That the number of turns is unknown to a compiler keeps it from unrolling them, and the sums in memory.
  for (var i = 0u; i < 4u * ROWS + group.z; i++) {
    let row = i / 4u;
    let quad = (i / 2u) & 1u;
    let kept = select(s[row][0], s[row][1], quad == 1u);
    let pair = row_scale(row) * select(kept.xy, kept.zw, (i & 1u) == 1u);
    let output = col + 4u * quad + 2u * (i & 1u);
    let first = start_pair(first_row + row, output);
    emit(first_row + row, FIRST + output, first.x + pair.x, first.y + pair.y);
  }
}
