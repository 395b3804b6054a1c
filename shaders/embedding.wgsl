// needs: weights
// x[row] = the table's row of the token that stands at the row's position. One thread per four elements.
override X_QUADS: u32; // quads from one row of x to the next
override POSITIONS: u32; // tokens that one sequence has room for

const THREADS = 64u;

@group(0) @binding(0) var<storage, read> history: array<u32>; // [sequences, POSITIONS]
@group(0) @binding(1) var<storage, read_write> x: array<vec4f>; // [T, X_QUADS]
@group(0) @binding(4) var<storage, read> rows: array<vec4u>; // [T] (sequence, position, -, -)

@compute @workgroup_size(THREADS)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let token = history[rows[id.y].x * POSITIONS + rows[id.y].y];
  if (id.x < X_QUADS) { x[id.y * X_QUADS + id.x] = weight_quad(token, id.x); }
}
