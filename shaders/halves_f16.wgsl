// provides: halves
// 16-bit floats: needs no shader-f16 and loses nothing.
fn unpack_quad(bits: vec2u) -> vec4f {
  return vec4f(unpack2x16float(bits.x), unpack2x16float(bits.y));
}
