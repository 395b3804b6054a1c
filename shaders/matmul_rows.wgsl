// needs: rows, products, share, scale, start, emit
// One, four or eight rows of x times a weight matrix where a load costs as much as a dozen products, on the CPU: each lane
// makes four outputs by itself, and the lanes of a workgroup share what they load of x. group.y takes the next rows.
override FIRST: u32 = 0u; // the output that the first row of this matrix gives: others may stand before it
override N: u32; // outputs up to the last row of this matrix
override LANES: u32; // of the workgroup: 4 or 8
override ROWS: u32; // of x: 1, 4 or 8
override WORKGROUP: u32 = LANES;
override GROUP_ROWS: u32 = ROWS; // that one workgroup makes
const OUTPUTS = 4u; // that one lane keeps

@group(0) @binding(0) var<storage, read> x: array<vec4f>; // [T rounded up to 8, K_BLOCKS * 8]

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let col = (group.x * LANES + lane) * OUTPUTS;
  let first_row = first_row_of(group.y);
  var s: array<vec4f, 8>;
  for (var block = 0u; block < K_BLOCKS; block++) {
    let w = load_four(col, block);
    let m = all_columns(w);
    s[0] += block_products(w, m, load_shared(first_row, 0u, block, lane));
    if (ROWS > 1u) {
      s[1] += block_products(w, m, load_shared(first_row, 1u, block, lane));
      s[2] += block_products(w, m, load_shared(first_row, 2u, block, lane));
      s[3] += block_products(w, m, load_shared(first_row, 3u, block, lane));
    }
    if (ROWS > 4u) {
      s[4] += block_products(w, m, load_shared(first_row, 4u, block, lane));
      s[5] += block_products(w, m, load_shared(first_row, 5u, block, lane));
      s[6] += block_products(w, m, load_shared(first_row, 6u, block, lane));
      s[7] += block_products(w, m, load_shared(first_row, 7u, block, lane));
    }
  }
  measure_rows(first_row, lane);
  // That the number of turns is unknown to a compiler keeps it from unrolling them, and the sums in memory.
  for (var i = 0u; i < 2u * ROWS + group.z; i++) {
    let row = i / 2u;
    let kept = s[row];
    let pair = row_scale(row) * select(kept.xy, kept.zw, (i & 1u) == 1u);
    let output = col + 2u * (i & 1u);
    let first = start_pair(first_row + row, output);
    emit(first_row + row, FIRST + output, first.x + pair.x, first.y + pair.y);
  }
}
