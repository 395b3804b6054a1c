// provides: block
// GGUF Q5_1: w = d q + m, q of 5 bits, in blocks of 32: nibbles as in block_q4_1, and a word of fifth bits.
@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS], thirty-two inputs each
@group(0) @binding(3) var<storage, read> scales: array<u32>; // [N, K_BLOCKS, 2] (f16 d, f16 m), fifth bits

const HAS_MINIMUM = true;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  quants: vec4u,
  fifth: u32,
}

fn load_block(row: u32, block: u32) -> Block {
  let at = row * K_BLOCKS + block;
  let pair = unpack2x16float(scales[at * 2u]);
  return Block(vec2f(pair.x), vec2f(-pair.y), weights[at], scales[at * 2u + 1u]);
}

fn nibbles(word: u32, quad: u32) -> vec4u {
  return (vec4u(word) >> (vec4u(0u, 8u, 16u, 24u) + 4u * (quad & 1u))) & vec4u(15u);
}

// Byte j of the word holds the bit of input 4i + j at place i.
fn bits(word: u32, quad: u32) -> vec4u {
  return (vec4u(word) >> (vec4u(0u, 8u, 16u, 24u) + quad)) & vec4u(1u);
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  return vec4f(nibbles(block.quants[quad / 2u], quad) | (bits(block.fifth, quad) << vec4u(4u)));
}
