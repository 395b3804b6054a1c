// provides: block
// needs: unpack
// GGUF IQ4_NL: w = d value(q), an index of 4 bits into sixteen values, in blocks of 32.
@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS], thirty-two inputs each
@group(0) @binding(3) var<storage, read> scales: array<u32>; // [N * K_BLOCKS / 2] one f16 d a block

const HAS_MINIMUM = false;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  quants: vec4u,
}

fn load_block(row: u32, block: u32) -> Block {
  let at = row * K_BLOCKS + block;
  return Block(vec2f(half_of(scales[at / 2u], at)), vec2f(), weights[at]);
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  return iq4_of(block.quants[quad / 2u], quad);
}
