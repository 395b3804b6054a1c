// provides: cache_pairs
override VALUES_AT: u32; // pairs of quads before the first value

@group(0) @binding(2) var<storage, read> cache: array<vec4f>; // [2, sequences, N_KV_HEADS, RING, HEAD_DIM / 4]

fn pair_at(at: u32) -> mat2x4f {
  return mat2x4f(cache[2u * at], cache[2u * at + 1u]);
}

fn cache_key_pair(slot: u32, pair: u32) -> mat2x4f {
  return pair_at(slot * PAIRS + pair);
}

fn cache_value_pair(slot: u32, pair: u32) -> mat2x4f {
  return pair_at(VALUES_AT + slot * PAIRS + pair);
}
