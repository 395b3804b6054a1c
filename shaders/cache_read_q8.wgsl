// provides: cache_read
override VALUES_AT: u32; // words before the first value
override WORDS: u32; // words of one key or value: its quads, then two scales a word

@group(0) @binding(2) var<storage, read> cache: array<u32>; // [2, sequences, N_KV_HEADS, RING, WORDS]

fn unpack_quad(first: u32, quad: u32) -> vec4f {
  let scales = cache[first + QUADS + quad / 16u];
  let scale = bitcast<f32>(select(scales << 16u, scales & 0xffff0000u, (quad & 8u) != 0u));
  // Four signed bytes, the lowest first.
  return scale * vec4f(bitcast<vec4i>(vec4u(cache[first + quad]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
}

fn cache_key(slot: u32, quad: u32) -> vec4f {
  return unpack_quad(slot * WORDS, quad);
}

fn cache_value(slot: u32, quad: u32) -> vec4f {
  return unpack_quad(VALUES_AT + slot * WORDS, quad);
}
