// Tells how the lanes of a workgroup lie in its subgroups.
enable subgroups;
const THREADS = 128u;

@group(0) @binding(0) var<storage, read_write> lanes: array<vec2u>; // [128] (lane in the subgroup, subgroup size)

@compute @workgroup_size(THREADS)
fn main(
  @builtin(local_invocation_index) thread: u32,
  @builtin(subgroup_invocation_id) lane: u32,
  @builtin(subgroup_size) size: u32,
) {
  lanes[thread] = vec2u(lane, size);
}
