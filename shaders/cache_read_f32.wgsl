// provides: cache_read
override VALUES_AT: u32; // quads before the first value

@group(0) @binding(2) var<storage, read> cache: array<vec4f>; // [2, sequences, N_KV_HEADS, RING, HEAD_STRIDE / 4]

fn cache_key(slot: u32, quad: u32) -> vec4f {
  return cache[slot * QUADS + quad];
}

fn cache_value(slot: u32, quad: u32) -> vec4f {
  return cache[VALUES_AT + slot * QUADS + quad];
}
