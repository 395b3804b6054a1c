// Reads a buffer once, as fast as the device can: the yardstick for kernels that are bound by memory.
override WORDS: u32; // vec4u in the buffer
override THREADS: u32; // in the whole dispatch

const WORKGROUP = 64u;

@group(0) @binding(0) var<storage, read> words: array<vec4u>; // [WORDS]
@group(0) @binding(1) var<storage, read_write> sums: array<vec4u>; // [THREADS]

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  var sum = vec4u();
  for (var i = id.x; i < WORDS; i += THREADS) { sum ^= words[i]; }
  sums[id.x] = sum;
}
