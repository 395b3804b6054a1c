// provides: tile
// needs: weights
// Tiles of matmul_tile as they are, in f32.
const TILE_STEPS = 8u; // of a quad of inputs each

var<workgroup> x_tile: array<vec4f, TILE_ROWS * STRIDE>;
var<workgroup> w_tile: array<vec4f, TILE_OUTPUTS * STRIDE>;

// The same quad of four rows, one in each column.
alias FourRows = mat4x4f;

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

fn four_rows(first: u32, step: u32) -> FourRows {
  let at = first * STRIDE + step;
  let next = ROW_THREADS * STRIDE;
  return mat4x4f(x_tile[at], x_tile[at + next], x_tile[at + 2u * next], x_tile[at + 3u * next]);
}

fn products(output: u32, step: u32, rows: FourRows) -> vec4f {
  return w_tile[output * STRIDE + step] * rows;
}
