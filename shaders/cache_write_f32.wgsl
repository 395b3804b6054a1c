// provides: cache_write
override VALUES_AT: u32; // pairs before the first value

@group(0) @binding(7) var<storage, read_write> cache: array<vec2f>; // [2, sequences, N_KV_HEADS, RING, HEAD_STRIDE / 2]

fn cache_write_key(at: u32, pair: vec2f) {
  cache[at] = pair;
}

fn cache_write_value(at: u32, pair: vec2f) {
  cache[VALUES_AT + at] = pair;
}
