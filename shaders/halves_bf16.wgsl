// provides: halves
// A bfloat16 is the upper half of the f32 of the same value.
fn unpack_quad(bits: vec2u) -> vec4f {
  let low = bits << vec2u(16u);
  let high = bits & vec2u(0xffff0000u);
  return bitcast<vec4f>(vec4u(low.x, high.x, low.y, high.y));
}
