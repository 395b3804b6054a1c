// Moves the rows that have an output to the front, in place, or from there to where they stand in the batch. A thread moves
// its column of all of them, one row after another: an output is never before its place at the front, so ascending order
// overwrites nothing that is still read, and descending order does not on the way back.
override QUADS: u32; // quads from one row to the next
override BACK: bool = false;

@group(0) @binding(0) var<storage, read> rows: array<vec4u>; // [T] (-, -, output row, -)
@group(0) @binding(1) var<storage, read_write> x: array<vec4f>; // [T, QUADS]

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  // As many workgroups as outputs lie side by side, to say how many outputs there are; the first ones do the work.
  if (id.y > 0u || id.x >= QUADS) { return; }
  for (var i = 0u; i < groups.y; i++) {
    let output = select(i, groups.y - 1u - i, BACK);
    let front = output * QUADS + id.x;
    let own = rows[output].z * QUADS + id.x;
    if (BACK) { x[own] = x[front]; } else { x[front] = x[own]; }
  }
}
