// provides: weights
// 4-bit weights in blocks of 32 with one f16 scale: w = scale * (q - 8), q in 0..15 (the values of GGUF Q4_0).
// A block is one vec4u. Byte j of word i holds input 8i + j in its low nibble and input 8i + 4 + j in its high one, so
// that four shifts by whole bytes unpack a quad.
override K_BLOCKS: u32; // blocks of 32 inputs in a row

@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS], thirty-two weights each
@group(0) @binding(3) var<storage, read> scales: array<u32>; // [N * K_BLOCKS / 2], two f16 each

fn block_scale(row: u32, block: u32) -> f32 {
  let at = row * K_BLOCKS + block;
  return unpack2x16float(scales[at / 2u])[at & 1u];
}

// The low nibbles of the four bytes, without their offset of 8.
fn low_nibbles(word: u32) -> vec4f {
  return vec4f((vec4u(word) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(15u)) - vec4f(8.0);
}

fn weight_quad(row: u32, quad: u32) -> vec4f {
  let word = weights[row * K_BLOCKS + quad / 8u][(quad / 2u) & 3u];
  return block_scale(row, quad / 8u) * low_nibbles(word >> ((quad & 1u) * 4u));
}

fn block_dot(
  row: u32, block: u32,
  x0: vec4f, x1: vec4f, x2: vec4f, x3: vec4f, x4: vec4f, x5: vec4f, x6: vec4f, x7: vec4f,
) -> f32 {
  let a = weights[row * K_BLOCKS + block];
  let sum = dot(low_nibbles(a.x), x0) + dot(low_nibbles(a.x >> 4u), x1)
    + dot(low_nibbles(a.y), x2) + dot(low_nibbles(a.y >> 4u), x3)
    + dot(low_nibbles(a.z), x4) + dot(low_nibbles(a.z >> 4u), x5)
    + dot(low_nibbles(a.w), x6) + dot(low_nibbles(a.w >> 4u), x7);
  return block_scale(row, block) * sum;
}
