// needs: weights, emit
// matmul_vec with the lanes' sums exchanged inside a subgroup: no workgroup memory, no barrier. LANES divides the
// subgroup size, and the device has been probed to number its lanes in the order of local_invocation_index.
enable subgroups;

override N: u32; // outputs
override LANES: u32 = 32u; // power of two, at least 2
override GROUPS: u32 = 2u; // of LANES threads
override WORKGROUP: u32 = LANES * GROUPS;

@group(0) @binding(0) var<storage, read> x: array<vec4f>; // [T, K_BLOCKS * 8]

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let lane = thread % LANES;
  let row = group.y;
  let col = (group.x * GROUPS + thread / LANES) * 4u;
  var sum = vec4f();
  // Outputs beyond N read clamped rows and are dropped below: every lane must reach the exchange.
  for (var block = lane; block < K_BLOCKS; block += LANES) {
    let at = (row * K_BLOCKS + block) * 8u;
    let x0 = x[at];
    let x1 = x[at + 1u];
    let x2 = x[at + 2u];
    let x3 = x[at + 3u];
    let x4 = x[at + 4u];
    let x5 = x[at + 5u];
    let x6 = x[at + 6u];
    let x7 = x[at + 7u];
    sum += vec4f(
      block_dot(col, block, x0, x1, x2, x3, x4, x5, x6, x7),
      block_dot(col + 1u, block, x0, x1, x2, x3, x4, x5, x6, x7),
      block_dot(col + 2u, block, x0, x1, x2, x3, x4, x5, x6, x7),
      block_dot(col + 3u, block, x0, x1, x2, x3, x4, x5, x6, x7),
    );
  }
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    sum += subgroupShuffleXor(sum, half);
  }
  if (lane < 2u) {
    let pair = select(sum.xy, sum.zw, lane == 1u);
    emit(row, col + 2u * lane, pair.x, pair.y);
  }
}
