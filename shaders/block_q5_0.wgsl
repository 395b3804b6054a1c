// provides: block
// GGUF Q5_0: w = d (q - 16), q of 5 bits, in blocks of 32: nibbles as in block_q4_1, and a word of fifth bits.
@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS], thirty-two inputs each
@group(0) @binding(3) var<storage, read> scales: array<u32>; // [N] rows of K_BLOCKS words of fifth bits, then one f16 d a block

const HAS_MINIMUM = false;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  quants: vec4u,
  fifth: u32,
}

// The f16 number `index` from word `at` on.
fn half(at: u32, index: u32) -> f32 {
  return unpack2x16float(scales[at + index / 2u])[index & 1u];
}

fn load_block(row: u32, block: u32) -> Block {
  let at = row * (K_BLOCKS + (K_BLOCKS + 1u) / 2u);
  return Block(vec2f(half(at + K_BLOCKS, block)), vec2f(), weights[row * K_BLOCKS + block], scales[at + block]);
}

fn nibbles(word: u32, quad: u32) -> vec4u {
  return (vec4u(word) >> (vec4u(0u, 8u, 16u, 24u) + 4u * (quad & 1u))) & vec4u(15u);
}

// Byte j of the word holds the bit of input 4i + j at place i.
fn bits(word: u32, quad: u32) -> vec4u {
  return (vec4u(word) >> (vec4u(0u, 8u, 16u, 24u) + quad)) & vec4u(1u);
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  return vec4f(nibbles(block.quants[quad / 2u], quad) | (bits(block.fifth, quad) << vec4u(4u))) - vec4f(16.0);
}
