// provides: cache_write
// Pairs of f16 packed in a u32, which needs no shader-f16. Values beyond f16 are clamped: pack2x16float leaves them open.
@group(0) @binding(7) var<storage, read_write> keys: array<u32>; // [sequences, N_KV_HEADS, RING, HEAD_STRIDE / 2]
@group(0) @binding(8) var<storage, read_write> values: array<u32>; // [sequences, N_KV_HEADS, RING, HEAD_STRIDE / 2]

fn pack_pair(pair: vec2f) -> u32 {
  return pack2x16float(clamp(pair, vec2f(-65504.0), vec2f(65504.0)));
}

fn cache_write_key(at: u32, pair: vec2f) {
  keys[at] = pack_pair(pair);
}

fn cache_write_value(at: u32, pair: vec2f) {
  values[at] = pack_pair(pair);
}
