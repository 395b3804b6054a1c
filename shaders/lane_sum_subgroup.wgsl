// provides: lane_sum
// Sums that are exchanged inside a subgroup: no workgroup memory, no barrier. LANES divides the subgroup size, and the
// device has been probed to number its lanes in the order of local_invocation_index.
enable subgroups;

// Sums a value over the LANES threads of a group; every one of them has the result.
fn sum_lanes(thread: u32, value: vec4f) -> vec4f {
  var sum = value;
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    sum += subgroupShuffleXor(sum, half);
  }
  return sum;
}
