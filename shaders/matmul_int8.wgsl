// needs: quants, tile_emit
// matmul_shaped with whole numbers: activations are rounded to 8 bits with a scale for each 16 inputs of a row, as they come
// into workgroup memory, and four products at a time are summed exactly (DP4A; WGSL's packed_4x8_integer_dot_product).
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
var<workgroup> x_tile: array<u32, TILE_ROWS * STRIDE>; // four quants each
var<workgroup> x_scale: array<f32, TILE_ROWS * 2u>; // of each half of a block, as all that follow
var<workgroup> x_sum: array<f32, TILE_ROWS * 2u>;
var<workgroup> w_tile: array<u32, TILE_OUTPUTS * STRIDE>;
var<workgroup> w_scale: array<f32, TILE_OUTPUTS * 2u>;
var<workgroup> w_minimum: array<f32, TILE_OUTPUTS * 2u>;

fn largest(q: vec4f) -> f32 {
  return max(max(q.x, q.y), max(q.z, q.w));
}

fn rounded(q: vec4f, inverse: f32) -> u32 {
  return pack4xI8(vec4i(round(q * inverse)));
}

fn load_rows(row: u32, block: u32, thread: u32) {
  for (var i = thread; i < TILE_ROWS * 2u; i += WORKGROUP) {
    let read_at = (min(row + i / 2u, ROWS - 1u) * K_BLOCKS + block) * 8u + (i % 2u) * 4u;
    let q0 = x[read_at];
    let q1 = x[read_at + 1u];
    let q2 = x[read_at + 2u];
    let q3 = x[read_at + 3u];
    let most = largest(max(max(abs(q0), abs(q1)), max(abs(q2), abs(q3))));
    let inverse = select(0.0, 127.0 / most, most > 1e-30);
    let words = vec4u(rounded(q0, inverse), rounded(q1, inverse), rounded(q2, inverse), rounded(q3, inverse));
    let to = (i / 2u) * STRIDE + (i % 2u) * 4u;
    x_tile[to] = words.x;
    x_tile[to + 1u] = words.y;
    x_tile[to + 2u] = words.z;
    x_tile[to + 3u] = words.w;
    x_scale[i] = most / 127.0;
    if (HAS_MINIMUM) {
      let ones = 0x01010101u;
      x_sum[i] = most / 127.0 * f32(dot4I8Packed(words.x, ones) + dot4I8Packed(words.y, ones)
        + dot4I8Packed(words.z, ones) + dot4I8Packed(words.w, ones));
    }
  }
}

fn load_weights(col: u32, block: u32, thread: u32) {
  for (var i = thread; i < TILE_OUTPUTS; i += WORKGROUP) {
    let quants = load_quants(min(col + i, N - FIRST - 1u), block);
    let to = i * STRIDE;
    w_tile[to] = quants.low.x;
    w_tile[to + 1u] = quants.low.y;
    w_tile[to + 2u] = quants.low.z;
    w_tile[to + 3u] = quants.low.w;
    w_tile[to + 4u] = quants.high.x;
    w_tile[to + 5u] = quants.high.y;
    w_tile[to + 6u] = quants.high.z;
    w_tile[to + 7u] = quants.high.w;
    w_scale[2u * i] = quants.scale.x;
    w_scale[2u * i + 1u] = quants.scale.y;
    if (HAS_MINIMUM) {
      w_minimum[2u * i] = quants.minimum.x;
      w_minimum[2u * i + 1u] = quants.minimum.y;
    }
  }
}

// Four products each of four rows.
fn dots(rows4: vec4u, w: u32) -> vec4i {
  return vec4i(dot4I8Packed(rows4.x, w), dot4I8Packed(rows4.y, w), dot4I8Packed(rows4.z, w), dot4I8Packed(rows4.w, w));
}

// What half a block adds to the sums of an output.
fn scaled(output: u32, half: u32, sums: vec4i, scales: vec4f, x_sums: vec4f) -> vec4f {
  let value = w_scale[2u * output + half] * scales * vec4f(sums);
  if (HAS_MINIMUM) { return value - w_minimum[2u * output + half] * x_sums; }
  return value;
}

@compute @workgroup_size(COL_THREADS, ROW_THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) id: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = group.y * TILE_ROWS;
  let col = group.x * TILE_OUTPUTS;
  let output = 2u * id.x;
  var a0 = vec4f();
  var a1 = vec4f();
  var a2 = vec4f();
  var a3 = vec4f();
  var b0 = vec4f();
  var b1 = vec4f();
  var b2 = vec4f();
  var b3 = vec4f();
  for (var block = 0u; block < K_BLOCKS; block++) {
    load_rows(row, block, thread);
    load_weights(col, block, thread);
    workgroupBarrier();
    for (var half = 0u; half < 2u; half++) {
      var d0 = vec4i();
      var d1 = vec4i();
      var d2 = vec4i();
      var d3 = vec4i();
      var e0 = vec4i();
      var e1 = vec4i();
      var e2 = vec4i();
      var e3 = vec4i();
      for (var k = half * 4u; k < half * 4u + 4u; k++) {
        let at = id.y * STRIDE + k;
        let next = ROW_THREADS * STRIDE;
        let rows4 = vec4u(x_tile[at], x_tile[at + next], x_tile[at + 2u * next], x_tile[at + 3u * next]);
        let w = output * STRIDE + k;
        let pairs = 2u * COL_THREADS * STRIDE;
        d0 += dots(rows4, w_tile[w]);
        e0 += dots(rows4, w_tile[w + STRIDE]);
        d1 += dots(rows4, w_tile[w + pairs]);
        e1 += dots(rows4, w_tile[w + pairs + STRIDE]);
        d2 += dots(rows4, w_tile[w + 2u * pairs]);
        e2 += dots(rows4, w_tile[w + 2u * pairs + STRIDE]);
        d3 += dots(rows4, w_tile[w + 3u * pairs]);
        e3 += dots(rows4, w_tile[w + 3u * pairs + STRIDE]);
      }
      let s = 2u * id.y + half;
      let below = 2u * ROW_THREADS;
      let scales = vec4f(x_scale[s], x_scale[s + below], x_scale[s + 2u * below], x_scale[s + 3u * below]);
      var x_sums = vec4f();
      if (HAS_MINIMUM) { x_sums = vec4f(x_sum[s], x_sum[s + below], x_sum[s + 2u * below], x_sum[s + 3u * below]); }
      let step = 2u * COL_THREADS;
      a0 += scaled(output, half, d0, scales, x_sums);
      b0 += scaled(output + 1u, half, e0, scales, x_sums);
      a1 += scaled(output + step, half, d1, scales, x_sums);
      b1 += scaled(output + step + 1u, half, e1, scales, x_sums);
      a2 += scaled(output + 2u * step, half, d2, scales, x_sums);
      b2 += scaled(output + 2u * step + 1u, half, e2, scales, x_sums);
      a3 += scaled(output + 3u * step, half, d3, scales, x_sums);
      b3 += scaled(output + 3u * step + 1u, half, e3, scales, x_sums);
    }
    workgroupBarrier();
  }
  emit_tile(row, col, thread, Sums(a0, b0, a1, b1, a2, b2, a3, b3));
}
