// needs: weights, scale, start, emit, lane_sum
// Up to four rows of x (WIDE: eight) times a weight matrix: each weight is read once for all of them. group.y takes the
// next rows. As in matmul_vec LANES threads share the inputs, and every thread keeps four outputs of each row.
override FIRST: u32 = 0u; // the output that the first row of this matrix gives: others may stand before it
override N: u32; // outputs up to the last row of this matrix
override LANES: u32 = 16u; // power of two
override GROUPS: u32 = 4u; // of LANES threads
override WIDE: bool = false;
override WORKGROUP: u32 = LANES * GROUPS;
const OUTPUTS = 4u; // that one thread keeps
const ROWS = 4u;
const WIDE_ROWS = 8u;
override GROUP_ROWS: u32 = select(ROWS, WIDE_ROWS, WIDE); // that one workgroup makes

@group(0) @binding(0) var<storage, read> x: array<vec4f>; // [T rounded up to 8, K_BLOCKS * 8]

var<workgroup> results: array<vec4f, GROUPS * 8u>; // [group, output, rows 0-3 and 4-7]

// The same quad of four rows, one in each column: `quad * x_rows(...)` is four dot products.
fn x_rows(first: u32, quad: u32) -> mat4x4f {
  let stride = K_BLOCKS * 8u;
  let at = first * stride + quad;
  return mat4x4f(x[at], x[at + stride], x[at + 2u * stride], x[at + 3u * stride]);
}

// Results go through workgroup memory to the lanes, a pair of outputs each: what follows a matmul is compiled once.
fn emit_results(group: u32, lane: u32, first_row: u32, col: u32) {
  workgroupBarrier();
  for (var i = lane; i < GROUP_ROWS * 2u; i += LANES) {
    let row = i / 2u;
    let at = group * 8u + row / 4u + (i % 2u) * 4u;
    let output = col + (i % 2u) * 2u;
    let first = start_pair(first_row + row, output);
    let pair = row_scale(row) * vec2f(results[at][row % 4u], results[at + 2u][row % 4u]);
    emit(first_row + row, FIRST + output, first.x + pair.x, first.y + pair.y);
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let lane = thread % LANES;
  let col = (group.x * GROUPS + thread / LANES) * OUTPUTS;
  let first_row = group.y * GROUP_ROWS;
  var a0 = vec4f();
  var a1 = vec4f();
  var a2 = vec4f();
  var a3 = vec4f();
  var b0 = vec4f();
  var b1 = vec4f();
  var b2 = vec4f();
  var b3 = vec4f();
  // Consecutive lanes take consecutive quads, or as many of them as a part reads at once.
  for (var first = lane * QUADS_PER_READ; first < K_BLOCKS * 8u; first += LANES * QUADS_PER_READ) {
    let r0 = read_quads(col, first);
    let r1 = read_quads(col + 1u, first);
    let r2 = read_quads(col + 2u, first);
    let r3 = read_quads(col + 3u, first);
    for (var i = 0u; i < QUADS_PER_READ; i++) {
      let w0 = quad_of(r0, i);
      let w1 = quad_of(r1, i);
      let w2 = quad_of(r2, i);
      let w3 = quad_of(r3, i);
      let low = x_rows(first_row, first + i);
      a0 += w0 * low;
      a1 += w1 * low;
      a2 += w2 * low;
      a3 += w3 * low;
      if (WIDE) {
        let high = x_rows(first_row + 4u, first + i);
        b0 += w0 * high;
        b1 += w1 * high;
        b2 += w2 * high;
        b3 += w3 * high;
      }
    }
  }
  measure_rows(first_row, thread);
  a0 = sum_lanes(thread, a0);
  a1 = sum_lanes(thread, a1);
  a2 = sum_lanes(thread, a2);
  a3 = sum_lanes(thread, a3);
  if (WIDE) {
    b0 = sum_lanes(thread, b0);
    b1 = sum_lanes(thread, b1);
    b2 = sum_lanes(thread, b2);
    b3 = sum_lanes(thread, b3);
  }
  if (lane == 0u) {
    let first = thread / LANES * 8u;
    results[first] = a0;
    results[first + 2u] = a1;
    results[first + 4u] = a2;
    results[first + 6u] = a3;
    results[first + 1u] = b0;
    results[first + 3u] = b1;
    results[first + 5u] = b2;
    results[first + 7u] = b3;
  }
  emit_results(thread / LANES, lane, first_row, col);
}
