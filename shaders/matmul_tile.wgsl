// needs: weights, scale, start, emit
// Many rows of x times a weight matrix: prefill. A workgroup of 8 x 8 threads makes 32 rows x 64 outputs, one block of 32
// inputs at a time through workgroup memory; a thread makes 4 rows x 8 outputs (four pairs, 16 apart).
override FIRST: u32 = 0u; // the output that the first row of this matrix gives: others may stand before it
override N: u32; // outputs up to the last row of this matrix

@group(0) @binding(0) var<storage, read> x: array<vec4f>; // [T rounded up to 32, K_BLOCKS * 8]

// One quad of padding in each row of a tile spreads the rows over the banks.
const STRIDE = 9u;
const TILE_ROWS = 32u;
const TILE_OUTPUTS = 64u;
const WORKGROUP = 64u;
const GROUP_ROWS = TILE_ROWS; // that one workgroup makes
var<workgroup> x_tile: array<vec4f, 288>; // [32, STRIDE]
var<workgroup> w_tile: array<vec4f, 576>; // [64, STRIDE]

fn load_tiles(row: u32, col: u32, block: u32, thread: u32) {
  for (var i = thread; i < 256u; i += 64u) {
    x_tile[(i / 8u) * STRIDE + i % 8u] = x[((row + i / 8u) * K_BLOCKS + block) * 8u + i % 8u];
  }
  for (var i = thread * QUADS_PER_READ; i < 512u; i += 64u * QUADS_PER_READ) {
    let quads = read_quads(min(col + i / 8u, N - FIRST - 1u), block * 8u + i % 8u);
    for (var k = 0u; k < QUADS_PER_READ; k++) {
      w_tile[(i / 8u) * STRIDE + i % 8u + k] = quad_of(quads, k);
    }
  }
}

// Results go through workgroup memory, so that neighbouring threads store neighbouring outputs and what follows a matmul
// is compiled once. w_tile becomes [32 rows, 2, 8], each entry the pairs `x + 16 j` and `x + 16 j + 8`.
fn keep(row: u32, x: u32, j: u32, first: vec4f, second: vec4f, third: vec4f, fourth: vec4f) {
  for (var i = 0u; i < 4u; i++) {
    w_tile[((row + 8u * i) * 2u + j) * 8u + x] = vec4f(first[i], second[i], third[i], fourth[i]);
  }
}

@compute @workgroup_size(8, 8)
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
  keep(id.y, id.x, 0u, a0, b0, a1, b1);
  keep(id.y, id.x, 1u, a2, b2, a3, b3);
  measure_rows(row, thread);
  workgroupBarrier();
  for (var i = thread; i < 1024u; i += 64u) {
    let pair = i % 32u;
    let kept = w_tile[((i / 32u) * 2u + pair / 16u) * 8u + pair % 8u];
    let outputs = row_scale(i / 32u) * select(kept.xy, kept.zw, (pair / 8u) % 2u == 1u);
    let first = start_pair(row + i / 32u, col + 2u * pair);
    emit(row + i / 32u, FIRST + col + 2u * pair, first.x + outputs.x, first.y + outputs.y);
  }
}
