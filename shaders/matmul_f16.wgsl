// needs: weights, tile_emit
// matmul_shaped with f16 in workgroup memory and in the products of a quad, whose sums go on in f32. Each row of x is divided by
// its largest element, block by block, so that no product overflows however large activations are: the error is that of rounding.
enable f16;

override FIRST: u32 = 0u; // the output that the first row of this matrix gives: others may stand before it
override N: u32; // outputs up to the last row of this matrix
override ROW_THREADS: u32 = 8u;
override COL_THREADS: u32 = 8u;
override ROWS: u32; // that there is room for in the buffers
override WORKGROUP: u32 = ROW_THREADS * COL_THREADS;
override TILE_ROWS: u32 = 4u * ROW_THREADS;
override GROUP_ROWS: u32 = TILE_ROWS; // that one workgroup makes
override TILE_OUTPUTS: u32 = 8u * COL_THREADS;

@group(0) @binding(0) var<storage, read> x: array<vec4f>; // [T rounded up to 32, K_BLOCKS * 8]

const STRIDE = 9u;
var<workgroup> x_tile: array<vec4<f16>, TILE_ROWS * STRIDE>;
var<workgroup> x_scale: array<f32, TILE_ROWS * 2u>; // of each half of a block
var<workgroup> w_tile: array<vec4<f16>, TILE_OUTPUTS * STRIDE>;

fn largest(q: vec4f) -> f32 {
  return max(max(q.x, q.y), max(q.z, q.w));
}

fn load_tiles(row: u32, col: u32, block: u32, thread: u32) {
  for (var i = thread; i < TILE_ROWS * 2u; i += WORKGROUP) {
    let read_at = (min(row + i / 2u, ROWS - 1u) * K_BLOCKS + block) * 8u + (i % 2u) * 4u;
    let q0 = x[read_at];
    let q1 = x[read_at + 1u];
    let q2 = x[read_at + 2u];
    let q3 = x[read_at + 3u];
    let most = largest(max(max(abs(q0), abs(q1)), max(abs(q2), abs(q3))));
    let inverse = select(0.0, 1.0 / most, most > 1e-30);
    let to = (i / 2u) * STRIDE + (i % 2u) * 4u;
    x_scale[i] = most;
    x_tile[to] = vec4<f16>(q0 * inverse);
    x_tile[to + 1u] = vec4<f16>(q1 * inverse);
    x_tile[to + 2u] = vec4<f16>(q2 * inverse);
    x_tile[to + 3u] = vec4<f16>(q3 * inverse);
  }
  for (var i = thread * QUADS_PER_READ; i < TILE_OUTPUTS * 8u; i += WORKGROUP * QUADS_PER_READ) {
    let quads = read_quads(min(col + i / 8u, N - FIRST - 1u), block * 8u + i % 8u);
    for (var k = 0u; k < QUADS_PER_READ; k++) {
      w_tile[(i / 8u) * STRIDE + i % 8u + k] = vec4<f16>(quad_of(quads, k));
    }
  }
}

// The products of one quad of weights with those of four rows, which are the columns.
fn products(w: vec4<f16>, rows4: mat4x4<f16>, scales: vec4f) -> vec4f {
  return vec4f(w * rows4) * scales;
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
      let rows4 = mat4x4<f16>(x_tile[at], x_tile[at + next], x_tile[at + 2u * next], x_tile[at + 3u * next]);
      let s = 2u * id.y + k / 4u;
      let below = 2u * ROW_THREADS;
      let scales = vec4f(x_scale[s], x_scale[s + below], x_scale[s + 2u * below], x_scale[s + 3u * below]);
      let w = id.x * 2u * STRIDE + k;
      let pairs = 2u * COL_THREADS * STRIDE;
      a0 += products(w_tile[w], rows4, scales);
      b0 += products(w_tile[w + STRIDE], rows4, scales);
      a1 += products(w_tile[w + pairs], rows4, scales);
      b1 += products(w_tile[w + pairs + STRIDE], rows4, scales);
      a2 += products(w_tile[w + 2u * pairs], rows4, scales);
      b2 += products(w_tile[w + 2u * pairs + STRIDE], rows4, scales);
      a3 += products(w_tile[w + 3u * pairs], rows4, scales);
      b3 += products(w_tile[w + 3u * pairs + STRIDE], rows4, scales);
    }
    workgroupBarrier();
  }
  emit_tile(row, col, thread, Sums(a0, b0, a1, b1, a2, b2, a3, b3));
}
