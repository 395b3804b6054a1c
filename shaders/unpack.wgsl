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

// Scale and minimum of block j of a super-block of Q4_K or Q5_K: the f16 numbers that they are multiples of, eight low
// nibbles of the scales, eight of the minimums, then two high bits of each in turn.
fn scale_and_minimum(words: vec4u, j: u32) -> vec2f {
  let low = (words.yz >> vec2u(4u * j)) & vec2u(15u);
  let high = (vec2u(words.w) >> vec2u(4u * j, 4u * j + 2u)) & vec2u(3u);
  return unpack2x16float(words.x) * vec2f(low | (high << vec2u(4u)));
}

// Twice a 4-bit float E2M1: 0, 1, 2, 3, 4, 6, 8, 12 by the low three bits, the sign in the fourth (OCP Microscaling
// Formats 1.0). The eight sizes are nibbles of one constant.
fn fp4_of(index: u32) -> vec4f {
  let indexes = vec4u(index) >> vec4u(0u, 8u, 16u, 24u);
  let size = vec4f(bitcast<vec4i>((vec4u(0xc8643210u) >> ((indexes << vec4u(2u)) & vec4u(28u))) & vec4u(15u)));
  return bitcast<vec4f>(bitcast<vec4u>(size) ^ ((indexes << vec4u(28u)) & vec4u(0x80000000u)));
}

// The sixteen values of ggml's kvalues_iq4nl, four signed bytes to a word: indexing by shifts needs no memory.
fn iq4_of(index: u32) -> vec4f {
  let indexes = vec4u(index) >> vec4u(0u, 8u, 16u, 24u);
  let third = (indexes & vec4u(4u)) != vec4u();
  let low = select(vec4u(0xbfad9881u), vec4u(0xf6eaddcfu), third);
  let high = select(vec4u(0x26190d01u), vec4u(0x71594535u), third);
  let word = select(low, high, (indexes & vec4u(8u)) != vec4u());
  return vec4f(bitcast<vec4i>(word << (vec4u(24u) - ((indexes << vec4u(3u)) & vec4u(24u)))) >> vec4u(24u));
}
