// needs: weights, emit
// Many rows of x times a weight matrix: prefill. A workgroup of 8 x 8 threads makes 32 rows x 64 outputs, one block of 32
// inputs at a time through workgroup memory; a thread makes 4 rows x 8 outputs (four pairs, 16 apart).
override N: u32; // outputs

@group(0) @binding(0) var<storage, read> x: array<vec4f>; // [T rounded up to 32, K_BLOCKS * 8]

// One quad of padding in each row of a tile spreads the rows over the banks.
const STRIDE = 9u;
var<workgroup> x_tile: array<vec4f, 288>; // [32, STRIDE]
var<workgroup> w_tile: array<vec4f, 576>; // [64, STRIDE]

fn load_tiles(row: u32, col: u32, block: u32, thread: u32) {
  for (var i = thread; i < 256u; i += 64u) {
    x_tile[(i / 8u) * STRIDE + i % 8u] = x[((row + i / 8u) * K_BLOCKS + block) * 8u + i % 8u];
  }
  for (var i = thread; i < 512u; i += 64u) {
    w_tile[(i / 8u) * STRIDE + i % 8u] = weight_quad(min(col + i / 8u, N - 1u), block * 8u + i % 8u);
  }
}

fn emit_rows(row: u32, col: u32, a: vec4f, b: vec4f) {
  if (col >= N) { return; }
  emit(row, col, a.x, b.x);
  emit(row + 8u, col, a.y, b.y);
  emit(row + 16u, col, a.z, b.z);
  emit(row + 24u, col, a.w, b.w);
}

@compute @workgroup_size(8, 8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) id: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = group.y * 32u;
  let col = group.x * 64u;
  var a0 = vec4f();
  var a1 = vec4f();
  var a2 = vec4f();
  var a3 = vec4f();
  var b0 = vec4f();
  var b1 = vec4f();
  var b2 = vec4f();
  var b3 = vec4f();
  for (var block = 0u; block < K_BLOCKS; block++) {
    load_tiles(row, col, block, thread);
    workgroupBarrier();
    for (var k = 0u; k < 8u; k++) {
      let at = id.y * STRIDE + k;
      let rows4 = mat4x4f(x_tile[at], x_tile[at + 8u * STRIDE], x_tile[at + 16u * STRIDE], x_tile[at + 24u * STRIDE]);
      let w = id.x * 2u * STRIDE + k;
      a0 += w_tile[w] * rows4;
      b0 += w_tile[w + STRIDE] * rows4;
      a1 += w_tile[w + 16u * STRIDE] * rows4;
      b1 += w_tile[w + 17u * STRIDE] * rows4;
      a2 += w_tile[w + 32u * STRIDE] * rows4;
      b2 += w_tile[w + 33u * STRIDE] * rows4;
      a3 += w_tile[w + 48u * STRIDE] * rows4;
      b3 += w_tile[w + 49u * STRIDE] * rows4;
    }
    workgroupBarrier();
  }
  let first_row = row + id.y;
  let first_col = col + id.x * 2u;
  emit_rows(first_row, first_col, a0, b0);
  emit_rows(first_row, first_col + 16u, a1, b1);
  emit_rows(first_row, first_col + 32u, a2, b2);
  emit_rows(first_row, first_col + 48u, a3, b3);
}
