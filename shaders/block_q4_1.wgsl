// provides: block
// needs: unpack
// GGUF Q4_1: w = d q + m, q of 4 bits, in blocks of 32.
@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS], thirty-two inputs each
@group(0) @binding(3) var<storage, read> scales: array<u32>; // [N, K_BLOCKS] (f16 d, f16 m)

const HAS_MINIMUM = true;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  quants: vec4u,
}

fn load_block(row: u32, block: u32) -> Block {
  let at = row * K_BLOCKS + block;
  let pair = unpack2x16float(scales[at]);
  return Block(vec2f(pair.x), vec2f(-pair.y), weights[at]);
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  return nibble_quad(block.quants[quad / 2u], quad);
}
