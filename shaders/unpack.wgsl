// provides: unpack
// What the block types of GGUF are unpacked with. Small numbers stay packed, four to a word, until they become floats together.

// The f16 number in the lower half of a word, or in the upper one where the index is odd.
fn half_of(word: u32, index: u32) -> f32 {
  return unpack2x16float(word >> (16u * (index & 1u))).x;
}

// Four bytes, the lowest first.
fn bytes_of(word: u32) -> vec4f {
  return vec4f(bitcast<vec4i>((vec4u(word) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u)));
}

fn signed_bytes_of(word: u32) -> vec4f {
  return vec4f(bitcast<vec4i>(vec4u(word) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
}

// Byte j of a word of eight inputs holds input j in its low nibble and input 4 + j in its high one.
fn nibbles(word: u32, quad: u32) -> u32 {
  return (word >> (4u * (quad & 1u))) & 0x0f0f0f0fu;
}

// Byte j of a word of sixteen inputs holds input 4i + j in bits 2i and 2i + 1.
fn pairs(word: u32, quad: u32) -> u32 {
  return (word >> (2u * (quad & 3u))) & 0x03030303u;
}

// Byte j of a word of thirty-two inputs holds the bit of input 4i + j at place i.
fn bits(word: u32, quad: u32) -> u32 {
  return (word >> quad) & 0x01010101u;
}

// Where nothing is added to them, numbers become floats from where they lie.
fn nibble_quad(word: u32, quad: u32) -> vec4f {
  return vec4f((vec4u(word) >> (vec4u(0u, 8u, 16u, 24u) + 4u * (quad & 1u))) & vec4u(15u));
}

fn pair_quad(word: u32, quad: u32) -> vec4f {
  return vec4f((vec4u(word) >> (vec4u(0u, 8u, 16u, 24u) + 2u * (quad & 3u))) & vec4u(3u));
}

// The four lowest bits, one in each byte.
fn spread(four: u32) -> u32 {
  return ((four & 15u) * 0x00204081u) & 0x01010101u;
}

// Four bytes other than zero, negated where the bits say so.
fn with_signs(bytes: u32, signs: u32) -> u32 {
  let ones = spread(signs);
  return (bytes ^ ((ones << 8u) - ones)) + ones;
}

// Seven signs each; the eighth makes their number even. The constant has the parity of four bits at place 7 + bits.
fn even_signs(seven: vec4u) -> vec4u {
  let signs = seven & vec4u(127u);
  return signs | ((vec4u(0x34cb00u) >> ((signs ^ (signs >> vec4u(4u))) & vec4u(15u))) & vec4u(128u));
}

// Two numbers of 6 bits of block j in a super-block: their low nibbles are byte j modulo 4 of `low`, their high bits nibble j
// of `high`.
fn six_bits(low: u32, high: u32, j: u32) -> vec2f {
  let nibbles = vec2u(low >> (8u * (j & 3u))) >> vec2u(0u, 4u);
  let upper = (high >> (4u * j)) << 4u;
  return vec2f(bitcast<vec2i>((nibbles & vec2u(15u)) | vec2u(upper & 48u, (upper >> 2u) & 48u)));
}

// Twice a 4-bit float E2M1: 0, 1, 2, 3, 4, 6, 8, 12 by the low three bits, the sign in the fourth (OCP Microscaling
// Formats 1.0). The eight sizes are nibbles of one constant.
fn fp4_of(word: u32, quad: u32) -> vec4f {
  let indexes = vec4u(word) >> (vec4u(0u, 8u, 16u, 24u) + 4u * (quad & 1u));
  let size = vec4f(bitcast<vec4i>((vec4u(0xc8643210u) >> ((indexes << vec4u(2u)) & vec4u(28u))) & vec4u(15u)));
  return bitcast<vec4f>(bitcast<vec4u>(size) ^ ((indexes << vec4u(28u)) & vec4u(0x80000000u)));
}

// The sixteen values of ggml's kvalues_iq4nl, four signed bytes to a word, the first the highest: indexing by shifts needs no
// memory.
fn iq4_of(word: u32, quad: u32) -> vec4f {
  let indexes = vec4u(word) >> (vec4u(0u, 8u, 16u, 24u) + 4u * (quad & 1u));
  let third = (indexes & vec4u(4u)) != vec4u();
  let low = select(vec4u(0x8198adbfu), vec4u(0xcfddeaf6u), third);
  let high = select(vec4u(0x010d1926u), vec4u(0x35455971u), third);
  let four = select(low, high, (indexes & vec4u(8u)) != vec4u());
  return vec4f(bitcast<vec4i>(four << ((indexes << vec4u(3u)) & vec4u(24u))) >> vec4u(24u));
}
