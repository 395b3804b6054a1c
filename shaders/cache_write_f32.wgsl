// provides: cache_write
@group(0) @binding(7) var<storage, read_write> keys: array<vec2f>; // [sequences, N_KV_HEADS, RING, HEAD_STRIDE / 2]
@group(0) @binding(8) var<storage, read_write> values: array<vec2f>; // [sequences, N_KV_HEADS, RING, HEAD_STRIDE / 2]

fn cache_write_key(at: u32, pair: vec2f) {
  keys[at] = pair;
}

fn cache_write_value(at: u32, pair: vec2f) {
  values[at] = pair;
}
