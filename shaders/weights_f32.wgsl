// provides: weights
// 32-bit float weights, rows padded with zeros to blocks of 32.
override K_BLOCKS: u32; // blocks of 32 inputs in a row

@group(0) @binding(2) var<storage, read> weights: array<vec4f>; // [N, K_BLOCKS * 8]

// Inputs 4*quad .. 4*quad + 3 of one output's row.
fn weight_quad(row: u32, quad: u32) -> vec4f {
  return weights[row * K_BLOCKS * 8u + quad];
}

// Dot product of one block of 32 weights with 32 activations.
fn block_dot(
  row: u32, block: u32,
  x0: vec4f, x1: vec4f, x2: vec4f, x3: vec4f, x4: vec4f, x5: vec4f, x6: vec4f, x7: vec4f,
) -> f32 {
  let at = (row * K_BLOCKS + block) * 8u;
  return dot(weights[at], x0) + dot(weights[at + 1u], x1) + dot(weights[at + 2u], x2) + dot(weights[at + 3u], x3)
    + dot(weights[at + 4u], x4) + dot(weights[at + 5u], x5) + dot(weights[at + 6u], x6) + dot(weights[at + 7u], x7);
}
