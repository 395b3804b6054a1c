// needs: weights
// The first half of a low-rank update (Hu et al. 2021, LoRA): what the matrix A of an adapter makes of its rows of x, with
// the adapter's scale. The matrices that share x stand one after another in A: each is a part with sums of its own. A
// workgroup makes four sums of one row.
override GATHER: bool = false; // rows of x are output rows
const THREADS = 64u;

@group(0) @binding(0) var<storage, read> x: array<vec4f>; // [T, K_BLOCKS * 8]
@group(0) @binding(1) var<storage, read_write> down: array<vec4f>; // [T, quads]
@group(0) @binding(4) var<storage, read> rows: array<vec4u>; // [T] (sequence, -, output row, -)
@group(0) @binding(5) var<storage, read> slots: array<u32>; // [sequences] the adapter of each
@group(0) @binding(6) var<storage, read> adapter: array<vec4u>; // [2] (slot, quads, quads of a part, -), scale of each part

var<workgroup> partial: array<vec4f, THREADS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let row = group.y;
  var source = row;
  if (GATHER) { source = rows[row].z; }
  let quads = adapter[0].y;
  if (slots[rows[source].x] != adapter[0].x || group.x >= quads) { return; }
  let first = group.x * 4u;
  var sum = vec4f();
  for (var quad = thread; quad < K_BLOCKS * 8u; quad += THREADS) {
    let inputs = x[row * K_BLOCKS * 8u + quad];
    sum += vec4f(
      dot(weight_quad(first, quad), inputs),
      dot(weight_quad(first + 1u, quad), inputs),
      dot(weight_quad(first + 2u, quad), inputs),
      dot(weight_quad(first + 3u, quad), inputs),
    );
  }
  partial[thread] = sum;
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { partial[thread] += partial[thread + half]; }
  }
  workgroupBarrier();
  if (thread == 0u) {
    let scale = bitcast<f32>(adapter[1][group.x / adapter[0].z]);
    down[row * quads + group.x] = scale * partial[0];
  }
}
