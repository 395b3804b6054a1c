// provides: tile
// needs: weights
// Tiles of matmul_tile with f16 in workgroup memory and in the products of a quad, whose sums go on in f32. Each row of x is divided
// by its largest element, half a block at a time, so that no product overflows however large activations are: the error is that of rounding.
enable f16;

const TILE_STEPS = 8u; // of a quad of inputs each

var<workgroup> x_tile: array<vec4<f16>, TILE_ROWS * STRIDE>;
var<workgroup> x_scale: array<f32, TILE_ROWS * 2u>; // of each half of a block
var<workgroup> w_tile: array<vec4<f16>, TILE_OUTPUTS * STRIDE>;

// The same quad of four rows, one in each column, with what each is to be multiplied with.
struct FourRows {
  quads: mat4x4<f16>,
  scales: vec4f,
}

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

fn four_rows(first: u32, step: u32) -> FourRows {
  let at = first * STRIDE + step;
  let next = ROW_THREADS * STRIDE;
  let s = 2u * first + step / 4u;
  let below = 2u * ROW_THREADS;
  return FourRows(
    mat4x4<f16>(x_tile[at], x_tile[at + next], x_tile[at + 2u * next], x_tile[at + 3u * next]),
    vec4f(x_scale[s], x_scale[s + below], x_scale[s + 2u * below], x_scale[s + 3u * below]),
  );
}

fn products(output: u32, step: u32, rows: FourRows) -> vec4f {
  return vec4f(w_tile[output * STRIDE + step] * rows.quads) * rows.scales;
}
