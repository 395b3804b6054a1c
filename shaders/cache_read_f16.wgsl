// provides: cache_read
@group(0) @binding(2) var<storage, read> keys: array<vec2u>; // [sequences, N_KV_HEADS, RING, HEAD_STRIDE / 4], 4 f16 each
@group(0) @binding(3) var<storage, read> values: array<vec2u>; // [sequences, N_KV_HEADS, RING, HEAD_STRIDE / 4], 4 f16 each

fn unpack_cached(bits: vec2u) -> vec4f {
  return vec4f(unpack2x16float(bits.x), unpack2x16float(bits.y));
}

fn cache_key(at: u32) -> vec4f {
  return unpack_cached(keys[at]);
}

fn cache_value(at: u32) -> vec4f {
  return unpack_cached(values[at]);
}
