// provides: cache_read
override VALUES_AT: u32; // quads before the first value

@group(0) @binding(2) var<storage, read> cache: array<vec2u>; // [2, sequences, N_KV_HEADS, RING, HEAD_STRIDE / 4], 4 f16 each

fn unpack_cached(bits: vec2u) -> vec4f {
  return vec4f(unpack2x16float(bits.x), unpack2x16float(bits.y));
}

fn cache_key(slot: u32, quad: u32) -> vec4f {
  return unpack_cached(cache[slot * QUADS + quad]);
}

fn cache_value(slot: u32, quad: u32) -> vec4f {
  return unpack_cached(cache[VALUES_AT + slot * QUADS + quad]);
}
