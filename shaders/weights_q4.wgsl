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

const QUADS_PER_READ = 1u;

fn read_quads(row: u32, quad: u32) -> vec4f {
  return weight_quad(row, quad);
}

fn quad_of(quads: vec4f, i: u32) -> vec4f {
  return quads;
}

// One 16-byte load: a block of thirty-two weights.
const QUADS_PER_STEP = 8u;

struct Inputs {
  x0: vec4f,
  x1: vec4f,
  x2: vec4f,
  x3: vec4f,
  x4: vec4f,
  x5: vec4f,
  x6: vec4f,
  x7: vec4f,
}

fn load_inputs(at: u32) -> Inputs {
  return Inputs(x[at], x[at + 1u], x[at + 2u], x[at + 3u], x[at + 4u], x[at + 5u], x[at + 6u], x[at + 7u]);
}

// Dot product of the weights of one step with their inputs.
fn step_dot(row: u32, step: u32, inputs: Inputs) -> f32 {
  let words = weights[row * K_BLOCKS + step];
  let sum = dot(low_nibbles(words.x), inputs.x0) + dot(low_nibbles(words.x >> 4u), inputs.x1)
    + dot(low_nibbles(words.y), inputs.x2) + dot(low_nibbles(words.y >> 4u), inputs.x3)
    + dot(low_nibbles(words.z), inputs.x4) + dot(low_nibbles(words.z >> 4u), inputs.x5)
    + dot(low_nibbles(words.w), inputs.x6) + dot(low_nibbles(words.w >> 4u), inputs.x7);
  return block_scale(row, step) * sum;
}
