// provides: lane_sum
// Sums through workgroup memory, on every device.

var<workgroup> partial: array<vec4f, LANES * GROUPS>;

// Sums a value over the LANES threads of a group; the result is valid in the first of them.
fn sum_lanes(thread: u32, value: vec4f) -> vec4f {
  workgroupBarrier();
  partial[thread] = value;
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread % LANES < half) { partial[thread] += partial[thread + half]; }
  }
  return partial[thread];
}
