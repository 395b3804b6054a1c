// needs: tile, tile_emit
// Many rows of x times a weight matrix: prefill. ROW_THREADS x COL_THREADS threads make 4 ROW_THREADS rows x 8 COL_THREADS outputs,
// one block of 32 inputs at a time through workgroup memory; a thread makes four rows of eight outputs (four pairs, COL_THREADS
// pairs apart). Larger tiles read less memory for each product, and keep fewer workgroups busy.
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

// One element of padding in each row of a tile spreads the rows over the banks.
const STRIDE = 9u;

@compute @workgroup_size(COL_THREADS, ROW_THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) id: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = group.y * TILE_ROWS;
  let col = group.x * TILE_OUTPUTS;
  let output = 2u * id.x;
  let next = 2u * COL_THREADS;
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
    for (var step = 0u; step < TILE_STEPS; step++) {
      let rows = four_rows(id.y, step);
      a0 += products(output, step, rows);
      b0 += products(output + 1u, step, rows);
      a1 += products(output + next, step, rows);
      b1 += products(output + next + 1u, step, rows);
      a2 += products(output + 2u * next, step, rows);
      b2 += products(output + 2u * next + 1u, step, rows);
      a3 += products(output + 3u * next, step, rows);
      b3 += products(output + 3u * next + 1u, step, rows);
    }
    workgroupBarrier();
  }
  emit_tile(row, col, thread, Sums(a0, b0, a1, b1, a2, b2, a3, b3));
}
