// provides: block
// needs: unpack
// GGUF Q5_0: w = d (q - 16), q of 5 bits, in blocks of 32: nibbles, and a word of fifth bits.
@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS], thirty-two inputs each
@group(0) @binding(3) var<storage, read> scales: array<u32>; // [N] rows of K_BLOCKS words of fifth bits, then one f16 d a block

const HAS_MINIMUM = true;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  quants: vec4u,
  fifth: u32,
}

fn load_block(row: u32, block: u32) -> Block {
  let at = row * (K_BLOCKS + (K_BLOCKS + 1u) / 2u);
  let d = half_of(scales[at + K_BLOCKS + block / 2u], block);
  return Block(vec2f(d), vec2f(16.0 * d), weights[row * K_BLOCKS + block], scales[at + block]);
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  return bytes_of(nibbles(block.quants[quad / 2u], quad) | (bits(block.fifth, quad) << 4u));
}
