// provides: cache_pairs
override VALUES_AT: u32; // pairs of quads before the first value

@group(0) @binding(2) var<storage, read> cache: array<vec4f>; // [2, sequences, N_KV_HEADS, RING, HEAD_DIM / 4]

fn cache_key_pair(at: u32) -> mat2x4f {
  return mat2x4f(cache[2u * at], cache[2u * at + 1u]);
}

fn cache_value_pair(at: u32) -> mat2x4f {
  return cache_key_pair(VALUES_AT + at);
}
