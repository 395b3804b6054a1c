// needs: weights, emit
// One row of x times a weight matrix, y = x W^T: the decode step. LANES threads share a dot product, each taking whole
// blocks of 32 inputs, so that neighbouring lanes read neighbouring 16-byte words; every thread keeps four outputs.
override N: u32; // outputs
override LANES: u32 = 32u; // power of two, at least 2
override GROUPS: u32 = 2u; // of LANES threads

@group(0) @binding(0) var<storage, read> x: array<vec4f>; // [T, K_BLOCKS * 8]

var<workgroup> partial: array<vec4f, LANES * GROUPS>;

@compute @workgroup_size(LANES, GROUPS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) id: vec3u) {
  let row = group.y;
  let col = (group.x * GROUPS + id.y) * 4u;
  var sum = vec4f();
  if (col < N) {
    for (var block = id.x; block < K_BLOCKS; block += LANES) {
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
  }
  let slot = id.y * LANES + id.x;
  partial[slot] = sum;
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (id.x < half) { partial[slot] += partial[slot + half]; }
  }
  workgroupBarrier();
  // One lane for each pair of outputs, so that what follows a matmul is compiled once.
  if (id.x < 2u) {
    let total = partial[id.y * LANES];
    let pair = select(total.xy, total.zw, id.x == 1u);
    emit(row, col + 2u * id.x, pair.x, pair.y);
  }
}
