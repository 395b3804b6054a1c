// provides: block
// needs: unpack
// GGUF Q4_K: w = d s q - dmin m, q of 4 bits; super-blocks of 256 with a scale and a minimum of 6 bits for each block of 32.
@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS], thirty-two inputs each
@group(0) @binding(3) var<storage, read> scales: array<vec4u>; // [N, K_BLOCKS / 8] (f16 d, f16 dmin), 6-bit scales and minimums

const HAS_MINIMUM = true;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  quants: vec4u,
}

fn load_block(row: u32, block: u32) -> Block {
  let pair = scale_and_minimum(scales[row * (K_BLOCKS / 8u) + block / 8u], block & 7u);
  return Block(vec2f(pair.x), vec2f(pair.y), weights[row * K_BLOCKS + block]);
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  return bytes_of(nibbles(block.quants[quad / 2u], quad));
}
