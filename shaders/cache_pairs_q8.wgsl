// provides: cache_pairs
override VALUES_AT: u32; // words before the first value
override WORDS: u32; // words of one key or value: its quads, then two scales a word

@group(0) @binding(2) var<storage, read> cache: array<u32>; // [2, sequences, N_KV_HEADS, RING, WORDS]

// Four signed bytes, the lowest first.
fn bytes_of_word(word: u32) -> vec4f {
  return vec4f(bitcast<vec4i>(vec4u(word) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
}

fn unpack_pair(first: u32, pair: u32) -> mat2x4f {
  let scales = cache[first + QUADS + pair / 8u];
  let scale = bitcast<f32>(select(scales << 16u, scales & 0xffff0000u, (pair & 4u) != 0u));
  return mat2x4f(
    scale * bytes_of_word(cache[first + 2u * pair]),
    scale * bytes_of_word(cache[first + 2u * pair + 1u]),
  );
}

fn cache_key_pair(slot: u32, pair: u32) -> mat2x4f {
  return unpack_pair(slot * WORDS, pair);
}

fn cache_value_pair(slot: u32, pair: u32) -> mat2x4f {
  return unpack_pair(VALUES_AT + slot * WORDS, pair);
}
