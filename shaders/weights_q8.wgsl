// provides: weights
// 8-bit weights in blocks of 32 with one f16 scale: w = scale * q, q in -128..127 (GGUF Q8_0, split in two arrays).
override K_BLOCKS: u32; // blocks of 32 inputs in a row

@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS * 2], sixteen weights each
@group(0) @binding(3) var<storage, read> scales: array<u32>; // [N * K_BLOCKS / 2], two f16 each

fn block_scale(row: u32, block: u32) -> f32 {
  let at = row * K_BLOCKS + block;
  return unpack2x16float(scales[at / 2u])[at & 1u];
}

// Four signed bytes, the lowest first.
fn signed_bytes(word: u32) -> vec4f {
  return vec4f(bitcast<vec4i>(vec4u(word) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
}

fn weight_quad(row: u32, quad: u32) -> vec4f {
  let word = weights[row * K_BLOCKS * 2u + quad / 4u][quad & 3u];
  return block_scale(row, quad / 8u) * signed_bytes(word);
}

fn block_dot(
  row: u32, block: u32,
  x0: vec4f, x1: vec4f, x2: vec4f, x3: vec4f, x4: vec4f, x5: vec4f, x6: vec4f, x7: vec4f,
) -> f32 {
  let at = (row * K_BLOCKS + block) * 2u;
  let a = weights[at];
  let b = weights[at + 1u];
  let sum = dot(signed_bytes(a.x), x0) + dot(signed_bytes(a.y), x1)
    + dot(signed_bytes(a.z), x2) + dot(signed_bytes(a.w), x3)
    + dot(signed_bytes(b.x), x4) + dot(signed_bytes(b.y), x5)
    + dot(signed_bytes(b.z), x6) + dot(signed_bytes(b.w), x7);
  return block_scale(row, block) * sum;
}
