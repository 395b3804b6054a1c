// needs: weights, scale, start, emit
// One row of x times a weight matrix, y = x W^T: the decode step (group.y is the row). LANES threads share a dot product;
// neighbouring lanes read neighbouring 16-byte words of weights; every thread keeps four outputs.
override FIRST: u32 = 0u; // the output that the first row of this matrix gives: others may stand before it
override N: u32; // outputs up to the last row of this matrix
override LANES: u32 = 32u; // power of two, at least 2
override GROUPS: u32 = 2u; // of LANES threads
override WORKGROUP: u32 = LANES * GROUPS;
const GROUP_ROWS = 1u; // that one workgroup makes
const OUTPUTS = 4u; // that one thread keeps

@group(0) @binding(0) var<storage, read> x: array<vec4f>; // [T, K_BLOCKS * 8]

var<workgroup> partial: array<vec4f, LANES * GROUPS>;

@compute @workgroup_size(LANES, GROUPS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) id: vec3u) {
  let row = group.y;
  let col = (group.x * GROUPS + id.y) * OUTPUTS;
  var sum = vec4f();
  // Outputs beyond N read clamped rows; emit drops them.
  for (var step = id.x; step < K_BLOCKS * 8u / QUADS_PER_STEP; step += LANES) {
    let inputs = load_inputs(row * K_BLOCKS * 8u + step * QUADS_PER_STEP);
    sum += vec4f(
      step_dot(col, step, inputs),
      step_dot(col + 1u, step, inputs),
      step_dot(col + 2u, step, inputs),
      step_dot(col + 3u, step, inputs),
    );
  }
  let slot = id.y * LANES + id.x;
  measure_rows(row, slot);
  partial[slot] = sum;
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (id.x < half) { partial[slot] += partial[slot + half]; }
  }
  workgroupBarrier();
  // One lane for each pair of outputs, so that what follows a matmul is compiled once.
  if (id.x < 2u) {
    let total = partial[id.y * LANES];
    let pair = row_scale(0u) * select(total.xy, total.zw, id.x == 1u);
    let first = start_pair(row, col + 2u * id.x);
    emit(row, FIRST + col + 2u * id.x, first.x + pair.x, first.y + pair.y);
  }
}
