// provides: tile
// needs: quants
// Tiles of matmul_tile in whole numbers: activations are rounded to 8 bits with a scale for each 16 inputs of a row, as they come
// into workgroup memory, and four products at a time are summed exactly (DP4A; WGSL's packed_4x8_integer_dot_product).
const TILE_STEPS = 2u; // of half a block each

var<workgroup> x_tile: array<u32, TILE_ROWS * STRIDE>; // four quants each
var<workgroup> x_scale: array<f32, TILE_ROWS * 2u>; // of each half of a block, as all that follow
var<workgroup> x_sum: array<f32, TILE_ROWS * 2u>;
var<workgroup> w_tile: array<u32, TILE_OUTPUTS * STRIDE>;
var<workgroup> w_scale: array<f32, TILE_OUTPUTS * 2u>;
var<workgroup> w_minimum: array<f32, TILE_OUTPUTS * 2u>;

// Half a block of four rows: column i holds the i-th four quants of each; with scales, and the sums of x.
struct FourRows {
  quants: array<vec4u, 4>,
  scales: vec4f,
  sums: vec4f,
}

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

fn load_tiles(row: u32, col: u32, block: u32, thread: u32) {
  load_rows(row, block, thread);
  load_weights(col, block, thread);
}

fn four_quants(at: u32) -> vec4u {
  let next = ROW_THREADS * STRIDE;
  return vec4u(x_tile[at], x_tile[at + next], x_tile[at + 2u * next], x_tile[at + 3u * next]);
}

fn four_rows(first: u32, step: u32) -> FourRows {
  let at = first * STRIDE + 4u * step;
  let s = 2u * first + step;
  let below = 2u * ROW_THREADS;
  var sums = vec4f();
  if (HAS_MINIMUM) { sums = vec4f(x_sum[s], x_sum[s + below], x_sum[s + 2u * below], x_sum[s + 3u * below]); }
  return FourRows(
    array(four_quants(at), four_quants(at + 1u), four_quants(at + 2u), four_quants(at + 3u)),
    vec4f(x_scale[s], x_scale[s + below], x_scale[s + 2u * below], x_scale[s + 3u * below]),
    sums,
  );
}

// Four products each of four rows.
fn dots(rows4: vec4u, w: u32) -> vec4i {
  return vec4i(dot4I8Packed(rows4.x, w), dot4I8Packed(rows4.y, w), dot4I8Packed(rows4.z, w), dot4I8Packed(rows4.w, w));
}

fn products(output: u32, step: u32, rows: FourRows) -> vec4f {
  let w = output * STRIDE + 4u * step;
  let sums = dots(rows.quants[0], w_tile[w]) + dots(rows.quants[1], w_tile[w + 1u])
    + dots(rows.quants[2], w_tile[w + 2u]) + dots(rows.quants[3], w_tile[w + 3u]);
  let value = w_scale[2u * output + step] * rows.scales * vec4f(sums);
  if (HAS_MINIMUM) { return value - w_minimum[2u * output + step] * rows.sums; }
  return value;
}
