// needs: weights, scale, start, emit
// Many rows of x times a weight matrix with the matrix units of subgroups: 32 rows x 64 outputs, one block of 32 inputs at a time
// through workgroup memory in f16, sums in f32. Each of four subgroups makes 16 outputs of all rows. The sizes of the units'
// matrices are those that the adapter names.
enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;

override FIRST: u32 = 0u; // the output that the first row of this matrix gives: others may stand before it
override N: u32; // outputs up to the last row of this matrix
override ROWS: u32; // that there is room for in the buffers
override M: u32 = 8u; // rows of a unit's matrix
override UNIT_N: u32 = 8u; // outputs
override K: u32 = 8u; // inputs
override SUBGROUP: u32 = 32u; // threads of a subgroup, at most
override WORKGROUP: u32 = 4u * SUBGROUP;
const TILE_ROWS = 32u;
const TILE_OUTPUTS = 64u;
const GROUP_ROWS = TILE_ROWS; // that one workgroup makes
const GROUP_OUTPUTS = 16u; // that one subgroup makes
// Beyond this f16 has no numbers.
const LARGEST = 65504.0;

@group(0) @binding(0) var<storage, read> x: array<vec4f>; // [T rounded up to 32, K_BLOCKS * 8]

var<workgroup> x_tile: array<f16, 1024>; // [32 rows, 32 inputs]
var<workgroup> w_tile: array<f16, 2048>; // [64 outputs, 32 inputs]
var<workgroup> results: array<f32, 2048>; // [32 rows, 64 outputs]

fn load_tiles(row: u32, col: u32, block: u32, thread: u32) {
  for (var i = thread; i < TILE_ROWS * 8u; i += WORKGROUP) {
    let quad = x[(min(row + i / 8u, ROWS - 1u) * K_BLOCKS + block) * 8u + i % 8u];
    let narrow = vec4<f16>(clamp(quad, vec4f(-LARGEST), vec4f(LARGEST)));
    for (var k = 0u; k < 4u; k++) { x_tile[4u * i + k] = narrow[k]; }
  }
  for (var i = thread * QUADS_PER_READ; i < TILE_OUTPUTS * 8u; i += WORKGROUP * QUADS_PER_READ) {
    let quads = read_quads(min(col + i / 8u, N - FIRST - 1u), block * 8u + i % 8u);
    for (var q = 0u; q < QUADS_PER_READ; q++) {
      let narrow = vec4<f16>(quad_of(quads, q));
      for (var k = 0u; k < 4u; k++) { w_tile[4u * (i + q) + k] = narrow[k]; }
    }
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) thread: u32,
  @builtin(subgroup_id) piece: u32,
) {
  let row = group.y * TILE_ROWS;
  let col = group.x * TILE_OUTPUTS;
  // Subgroups may be smaller than the largest: then there are more of them than pieces of work, and those beyond have none.
  var sums: array<subgroup_matrix_result<f32, UNIT_N, M>, (TILE_ROWS / M) * (GROUP_OUTPUTS / UNIT_N)>;
  for (var block = 0u; block < K_BLOCKS; block++) {
    load_tiles(row, col, block, thread);
    workgroupBarrier();
    if (piece < 4u) {
      for (var k = 0u; k < 32u; k += K) {
        for (var n = 0u; n < GROUP_OUTPUTS / UNIT_N; n++) {
          // A row of weights is an output, so that the matrix of inputs x outputs lies there column by column.
          let w_at = (piece * GROUP_OUTPUTS + n * UNIT_N) * 32u + k;
          let right = subgroupMatrixLoad<subgroup_matrix_right<f16, UNIT_N, K>, col_major>(&w_tile, w_at, 32u);
          for (var m = 0u; m < TILE_ROWS / M; m++) {
            let left = subgroupMatrixLoad<subgroup_matrix_left<f16, K, M>, row_major>(&x_tile, m * M * 32u + k, 32u);
            let at = m * (GROUP_OUTPUTS / UNIT_N) + n;
            sums[at] = subgroupMatrixMultiplyAccumulate(left, right, sums[at]);
          }
        }
      }
    }
    workgroupBarrier();
  }
  if (piece < 4u) {
    for (var n = 0u; n < GROUP_OUTPUTS / UNIT_N; n++) {
      for (var m = 0u; m < TILE_ROWS / M; m++) {
        let to = m * M * TILE_OUTPUTS + piece * GROUP_OUTPUTS + n * UNIT_N;
        subgroupMatrixStore<row_major>(&results, to, sums[m * (GROUP_OUTPUTS / UNIT_N) + n], TILE_OUTPUTS);
      }
    }
  }
  measure_rows(row, thread);
  workgroupBarrier();
  for (var i = thread; i < TILE_ROWS * TILE_OUTPUTS / 2u; i += WORKGROUP) {
    let r = i / (TILE_OUTPUTS / 2u);
    let output = 2u * (i % (TILE_OUTPUTS / 2u));
    if (row + r < ROWS) {
      let first = start_pair(row + r, col + output);
      let at = r * TILE_OUTPUTS + output;
      let pair = row_scale(r) * vec2f(results[at], results[at + 1u]);
      emit(row + r, FIRST + col + output, first.x + pair.x, first.y + pair.y);
    }
  }
}
