// provides: block
// needs: unpack
// GGUF Q5_1: w = d q + m, q of 5 bits, in blocks of 32: nibbles, and a word of fifth bits.
@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS], thirty-two inputs each
@group(0) @binding(3) var<storage, read> scales: array<vec2u>; // [N, K_BLOCKS] (f16 d, f16 m), fifth bits

const HAS_MINIMUM = true;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  quants: vec4u,
  fifth: u32,
}

fn load_block(row: u32, block: u32) -> Block {
  let at = row * K_BLOCKS + block;
  let words = scales[at];
  let pair = unpack2x16float(words.x);
  return Block(vec2f(pair.x), vec2f(-pair.y), weights[at], words.y);
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  return bytes_of(nibbles(block.quants[quad / 2u], quad) | (bits(block.fifth, quad) << 4u));
}
