// provides: lane_sum
// Sums that are exchanged inside a subgroup: no workgroup memory, no barrier. LANES divides the subgroup size, and the
// device has been probed to number its lanes in the order of local_invocation_index.
enable subgroups;

// Sums four outputs of rows 0-3 and of rows 4-7 over the LANES threads of a group, for `results`.
fn sum_lanes(thread: u32, low: mat4x4f, high: mat4x4f) {
  let a = shuffled(low);
  var b = mat4x4f();
  if (WIDE) { b = shuffled(high); }
  if (thread % LANES > 0u) { return; }
  let at = thread / LANES * 8u;
  results[at] = a[0];
  results[at + 2u] = a[1];
  results[at + 4u] = a[2];
  results[at + 6u] = a[3];
  results[at + 1u] = b[0];
  results[at + 3u] = b[1];
  results[at + 5u] = b[2];
  results[at + 7u] = b[3];
}

fn shuffled(value: mat4x4f) -> mat4x4f {
  var sum = value;
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    sum += mat4x4f(
      subgroupShuffleXor(sum[0], half),
      subgroupShuffleXor(sum[1], half),
      subgroupShuffleXor(sum[2], half),
      subgroupShuffleXor(sum[3], half),
    );
  }
  return sum;
}
