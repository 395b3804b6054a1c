// needs: weights, tile_emit
// matmul_tile in other shapes: ROW_THREADS x COL_THREADS threads make 4 ROW_THREADS rows x 8 COL_THREADS outputs, one block of
// 32 inputs at a time through workgroup memory. Larger tiles read less memory for each product, and keep fewer workgroups busy.
override FIRST: u32 = 0u; // the output that the first row of this matrix gives: others may stand before it
override N: u32; // outputs up to the last row of this matrix
override ROW_THREADS: u32 = 16u;
override COL_THREADS: u32 = 8u;
override ROWS: u32; // that there is room for in the buffers
override WORKGROUP: u32 = ROW_THREADS * COL_THREADS;
override TILE_ROWS: u32 = 4u * ROW_THREADS;
override GROUP_ROWS: u32 = TILE_ROWS; // that one workgroup makes
override TILE_OUTPUTS: u32 = 8u * COL_THREADS;

@group(0) @binding(0) var<storage, read> x: array<vec4f>; // [T rounded up to 32, K_BLOCKS * 8]

// One quad of padding in each row of a tile spreads the rows over the banks.
const STRIDE = 9u;
var<workgroup> x_tile: array<vec4f, TILE_ROWS * STRIDE>;
var<workgroup> w_tile: array<vec4f, TILE_OUTPUTS * STRIDE>;

fn load_tiles(row: u32, col: u32, block: u32, thread: u32) {
  for (var i = thread; i < TILE_ROWS * 8u; i += WORKGROUP) {
    x_tile[(i / 8u) * STRIDE + i % 8u] = x[(min(row + i / 8u, ROWS - 1u) * K_BLOCKS + block) * 8u + i % 8u];
  }
  for (var i = thread * QUADS_PER_READ; i < TILE_OUTPUTS * 8u; i += WORKGROUP * QUADS_PER_READ) {
    let quads = read_quads(min(col + i / 8u, N - FIRST - 1u), block * 8u + i % 8u);
    for (var k = 0u; k < QUADS_PER_READ; k++) {
      w_tile[(i / 8u) * STRIDE + i % 8u + k] = quad_of(quads, k);
    }
  }
}

@compute @workgroup_size(COL_THREADS, ROW_THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) id: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = group.y * TILE_ROWS;
  let col = group.x * TILE_OUTPUTS;
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
      let next = ROW_THREADS * STRIDE;
      let rows4 = mat4x4f(x_tile[at], x_tile[at + next], x_tile[at + 2u * next], x_tile[at + 3u * next]);
      let w = id.x * 2u * STRIDE + k;
      let pairs = 2u * COL_THREADS * STRIDE;
      a0 += w_tile[w] * rows4;
      b0 += w_tile[w + STRIDE] * rows4;
      a1 += w_tile[w + pairs] * rows4;
      b1 += w_tile[w + pairs + STRIDE] * rows4;
      a2 += w_tile[w + 2u * pairs] * rows4;
      b2 += w_tile[w + 2u * pairs + STRIDE] * rows4;
      a3 += w_tile[w + 3u * pairs] * rows4;
      b3 += w_tile[w + 3u * pairs + STRIDE] * rows4;
    }
    workgroupBarrier();
  }
  emit_tile(row, col, thread, Sums(a0, b0, a1, b1, a2, b2, a3, b3));
}
