// provides: cache_write
// Pairs of f16 packed in a u32, which needs no shader-f16. Values beyond f16 are clamped: pack2x16float leaves them open.
override VALUES_AT: u32; // pairs before the first value

@group(0) @binding(7) var<storage, read_write> cache: array<u32>; // [2, sequences, N_KV_HEADS, RING, HEAD_STRIDE / 2]

fn pack_pair(pair: vec2f) -> u32 {
  return pack2x16float(clamp(pair, vec2f(-65504.0), vec2f(65504.0)));
}

fn cache_write_key(slot: u32, row: u32, pair: u32, value: vec2f) {
  cache[slot * (HEAD_STRIDE / 2u) + pair] = pack_pair(value);
}

fn cache_write_value(slot: u32, row: u32, pair: u32, value: vec2f) {
  cache[VALUES_AT + slot * (HEAD_STRIDE / 2u) + pair] = pack_pair(value);
}
