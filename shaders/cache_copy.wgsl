// Copies the first keys and values of one sequence to another, so that conversations which begin alike compute their
// beginning once. Buffers cannot be copied within themselves, hence a kernel. Threads stride over the words of a kv head.
override WORDS: u32; // 32-bit words of one key or value
override RING: u32; // cache slots of a sequence
override N_KV_HEADS: u32;
override VALUES_AT: u32; // words before the first value
override WORKGROUP: u32 = 256u;

@group(0) @binding(0) var<storage, read> plan: array<u32>; // [3] from sequence, to sequence, slots
@group(0) @binding(1) var<storage, read_write> cache: array<u32>; // [2, sequences, N_KV_HEADS, RING, WORDS] keys, values

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let from_word = (plan[0] * N_KV_HEADS + id.y) * RING * WORDS;
  let to_word = (plan[1] * N_KV_HEADS + id.y) * RING * WORDS;
  for (var i = id.x; i < min(plan[2], RING) * WORDS; i += groups.x * WORKGROUP) {
    cache[to_word + i] = cache[from_word + i];
    cache[VALUES_AT + to_word + i] = cache[VALUES_AT + from_word + i];
  }
}
