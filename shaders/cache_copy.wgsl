// Copies the first keys and values of one sequence to another, so that conversations which begin alike compute their
// beginning once. Buffers cannot be copied within themselves, hence a kernel. Threads stride over the words of a kv head.
override WORDS: u32; // 32-bit words of one key or value
override RING: u32; // cache slots of a sequence
override N_KV_HEADS: u32;
override WORKGROUP: u32 = 256u;

@group(0) @binding(0) var<storage, read> plan: array<u32>; // [3] from sequence, to sequence, slots
@group(0) @binding(1) var<storage, read_write> keys: array<u32>; // [sequences, N_KV_HEADS, RING, WORDS]
@group(0) @binding(2) var<storage, read_write> values: array<u32>; // [sequences, N_KV_HEADS, RING, WORDS]

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let from_word = (plan[0] * N_KV_HEADS + id.y) * RING * WORDS;
  let to_word = (plan[1] * N_KV_HEADS + id.y) * RING * WORDS;
  for (var i = id.x; i < min(plan[2], RING) * WORDS; i += groups.x * WORKGROUP) {
    keys[to_word + i] = keys[from_word + i];
    values[to_word + i] = values[from_word + i];
  }
}
