// provides: block
// needs: unpack
// GGUF Q4_K: w = d s q - dmin m, q of 4 bits; super-blocks of 256 with a scale and a minimum of 6 bits for each block of 32.
@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS], thirty-two inputs each
@group(0) @binding(3) var<storage, read> scales: array<u32>; // [N, K_BLOCKS / 8, 4] (f16 d, f16 dmin), scales and minimums of 6 bits

const HAS_MINIMUM = true;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  quants: vec4u,
}

fn load_block(row: u32, block: u32) -> Block {
  let at = (row * (K_BLOCKS / 8u) + block / 8u) * 4u;
  let j = block & 7u;
  let pair = unpack2x16float(scales[at]) * six_bits(scales[at + 1u + j / 4u], scales[at + 3u], j);
  return Block(vec2f(pair.x), vec2f(pair.y), weights[row * K_BLOCKS + block]);
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  return nibble_quad(block.quants[quad / 2u], quad);
}
