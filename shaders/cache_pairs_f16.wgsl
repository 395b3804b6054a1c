// provides: cache_pairs
// Two quads at a time: a load of four words costs a software adapter little more than one of a word.
override VALUES_AT: u32; // pairs of quads before the first value

@group(0) @binding(2) var<storage, read> cache: array<vec4u>; // [2, sequences, N_KV_HEADS, RING, HEAD_DIM / 8], 8 f16 each

fn unpack_pair(bits: vec4u) -> mat2x4f {
  return mat2x4f(
    vec4f(unpack2x16float(bits.x), unpack2x16float(bits.y)),
    vec4f(unpack2x16float(bits.z), unpack2x16float(bits.w)),
  );
}

fn cache_key_pair(slot: u32, pair: u32) -> mat2x4f {
  return unpack_pair(cache[slot * PAIRS + pair]);
}

fn cache_value_pair(slot: u32, pair: u32) -> mat2x4f {
  return unpack_pair(cache[VALUES_AT + slot * PAIRS + pair]);
}
