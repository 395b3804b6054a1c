// needs: weights, scale, start, emit
// matmul_vec with the lanes' sums exchanged inside a subgroup: no workgroup memory, no barrier. LANES divides the
// subgroup size, and the device has been probed to number its lanes in the order of local_invocation_index. It is no part for
// the role lane_sum: there every lane has the sum at once, in matmul_vec two lanes need it, after one more barrier.
enable subgroups;

override FIRST: u32 = 0u; // the output that the first row of this matrix gives: others may stand before it
override N: u32; // outputs up to the last row of this matrix
override LANES: u32 = 32u; // power of two, at least 2
override GROUPS: u32 = 2u; // of LANES threads
override WORKGROUP: u32 = LANES * GROUPS;
const GROUP_ROWS = 1u; // that one workgroup makes
const OUTPUTS = 4u; // that one thread keeps

@group(0) @binding(0) var<storage, read> x: array<vec4f>; // [T, K_BLOCKS * 8]

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let lane = thread % LANES;
  let row = group.y;
  let col = (group.x * GROUPS + thread / LANES) * OUTPUTS;
  var sum = vec4f();
  // Outputs beyond N read clamped rows; emit drops them.
  for (var step = lane; step < K_BLOCKS * 8u / QUADS_PER_STEP; step += LANES) {
    let inputs = load_inputs(row * K_BLOCKS * 8u + step * QUADS_PER_STEP);
    sum += vec4f(
      step_dot(col, step, inputs),
      step_dot(col + 1u, step, inputs),
      step_dot(col + 2u, step, inputs),
      step_dot(col + 3u, step, inputs),
    );
  }
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    sum += subgroupShuffleXor(sum, half);
  }
  measure_rows(row, thread);
  if (lane < 2u) {
    let pair = row_scale(0u) * select(sum.xy, sum.zw, lane == 1u);
    let first = start_pair(row, col + 2u * lane);
    emit(row, FIRST + col + 2u * lane, first.x + pair.x, first.y + pair.y);
  }
}
