// provides: cache_write
override VALUES_AT: u32; // pairs before the first value

@group(0) @binding(7) var<storage, read_write> cache: array<vec2f>; // [2, sequences, N_KV_HEADS, RING, HEAD_STRIDE / 2]

fn cache_write_key(slot: u32, row: u32, pair: u32, value: vec2f) {
  cache[slot * (HEAD_STRIDE / 2u) + pair] = value;
}

fn cache_write_value(slot: u32, row: u32, pair: u32, value: vec2f) {
  cache[VALUES_AT + slot * (HEAD_STRIDE / 2u) + pair] = value;
}
