// provides: weights
// 16-bit float weights read as f16: the same bytes as weights_f16, fewer instructions.
enable f16;

override K_BLOCKS: u32; // blocks of 32 inputs in a row

@group(0) @binding(2) var<storage, read> weights: array<vec4<f16>>; // [N, K_BLOCKS * 8]

fn weight_quad(row: u32, quad: u32) -> vec4f {
  return vec4f(weights[row * K_BLOCKS * 8u + quad]);
}

fn block_dot(
  row: u32, block: u32,
  x0: vec4f, x1: vec4f, x2: vec4f, x3: vec4f, x4: vec4f, x5: vec4f, x6: vec4f, x7: vec4f,
) -> f32 {
  let at = (row * K_BLOCKS + block) * 8u;
  return dot(vec4f(weights[at]), x0) + dot(vec4f(weights[at + 1u]), x1)
    + dot(vec4f(weights[at + 2u]), x2) + dot(vec4f(weights[at + 3u]), x3)
    + dot(vec4f(weights[at + 4u]), x4) + dot(vec4f(weights[at + 5u]), x5)
    + dot(vec4f(weights[at + 6u]), x6) + dot(vec4f(weights[at + 7u]), x7);
}
