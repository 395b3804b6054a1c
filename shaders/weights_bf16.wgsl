// provides: weights
// bfloat16 weights, two in each u32. A bfloat16 is the upper half of the f32 of the same value.
override K_BLOCKS: u32; // blocks of 32 inputs in a row

@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS * 4], eight weights each

fn unpack_quad(bits: vec2u) -> vec4f {
  let low = bits << vec2u(16u);
  let high = bits & vec2u(0xffff0000u);
  return bitcast<vec4f>(vec4u(low.x, high.x, low.y, high.y));
}

fn weight_quad(row: u32, quad: u32) -> vec4f {
  let bits = weights[row * K_BLOCKS * 4u + quad / 2u];
  return unpack_quad(select(bits.xy, bits.zw, (quad & 1u) == 1u));
}

fn block_dot(
  row: u32, block: u32,
  x0: vec4f, x1: vec4f, x2: vec4f, x3: vec4f, x4: vec4f, x5: vec4f, x6: vec4f, x7: vec4f,
) -> f32 {
  let at = (row * K_BLOCKS + block) * 4u;
  let a = weights[at];
  let b = weights[at + 1u];
  let c = weights[at + 2u];
  let d = weights[at + 3u];
  return dot(unpack_quad(a.xy), x0) + dot(unpack_quad(a.zw), x1) + dot(unpack_quad(b.xy), x2) + dot(unpack_quad(b.zw), x3)
    + dot(unpack_quad(c.xy), x4) + dot(unpack_quad(c.zw), x5) + dot(unpack_quad(d.xy), x6) + dot(unpack_quad(d.zw), x7);
}
