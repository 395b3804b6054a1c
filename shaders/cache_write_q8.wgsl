// provides: cache_write
// Blocks of 8 bits have one scale, which no thread knows that has but a pair: pairs go beside the cache as they are, by the
// rows of the batch, and cache_pack_q8 packs them.
override VALUES_AT: u32; // pairs before the first value

@group(0) @binding(7) var<storage, read_write> unpacked: array<vec2f>; // [2, T, N_KV_HEADS, HEAD_STRIDE / 2]

fn cache_write_key(slot: u32, row: u32, pair: u32, value: vec2f) {
  unpacked[row * (HEAD_STRIDE / 2u) + pair] = value;
}

fn cache_write_value(slot: u32, row: u32, pair: u32, value: vec2f) {
  unpacked[VALUES_AT + row * (HEAD_STRIDE / 2u) + pair] = value;
}
