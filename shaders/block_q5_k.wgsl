// provides: block
// needs: unpack
// GGUF Q5_K: w = d s q - dmin m, q of 5 bits; super-blocks as in block_q4_k.
@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS], thirty-two inputs each
@group(0) @binding(3) var<storage, read> scales: array<u32>; // [N, K_BLOCKS / 8, 12] (f16 d, f16 dmin), scales and minimums of 6 bits, fifth bits of eight blocks

const HAS_MINIMUM = true;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  quants: vec4u,
  fifth: u32,
}

fn load_block(row: u32, block: u32) -> Block {
  let at = (row * (K_BLOCKS / 8u) + block / 8u) * 12u;
  let j = block & 7u;
  let pair = unpack2x16float(scales[at]) * six_bits(scales[at + 1u + j / 4u], scales[at + 3u], j);
  return Block(vec2f(pair.x), vec2f(pair.y), weights[row * K_BLOCKS + block], scales[at + 4u + j]);
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  return bytes_of(nibbles(block.quants[quad / 2u], quad) | (bits(block.fifth, quad) << 4u));
}
