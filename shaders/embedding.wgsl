// needs: weights
// x[row] = the table's row of the token. One thread per four elements.
override X_QUADS: u32; // quads from one row of x to the next

@group(0) @binding(0) var<storage, read> tokens: array<u32>; // [T]
@group(0) @binding(1) var<storage, read_write> x: array<vec4f>; // [T, X_QUADS]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < X_QUADS) { x[id.y * X_QUADS + id.x] = weight_quad(tokens[id.y], id.x); }
}
