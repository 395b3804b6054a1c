// provides: lane_sum
// Sums through workgroup memory, on every device. All quads are exchanged at once, and each lane adds up one of them: compilers of
// software adapters take seconds for loops around barriers.

var<workgroup> partial: array<vec4f, LANES * GROUPS * 8u>; // [thread, output, rows 0-3 and 4-7]

// Sums four outputs of rows 0-3 and of rows 4-7 over the LANES threads of a group, for `results`.
fn sum_lanes(thread: u32, low: mat4x4f, high: mat4x4f) {
  let at = thread * 8u;
  partial[at] = low[0];
  partial[at + 2u] = low[1];
  partial[at + 4u] = low[2];
  partial[at + 6u] = low[3];
  if (WIDE) {
    partial[at + 1u] = high[0];
    partial[at + 3u] = high[1];
    partial[at + 5u] = high[2];
    partial[at + 7u] = high[3];
  }
  workgroupBarrier();
  let lane = thread % LANES;
  let first = (thread - lane) * 8u;
  for (var i = lane; i < GROUP_ROWS; i += LANES) {
    let quad = i * (8u / GROUP_ROWS);
    var sum = vec4f();
    for (var j = 0u; j < LANES; j++) { sum += partial[first + j * 8u + quad]; }
    results[thread / LANES * 8u + quad] = sum;
  }
}
