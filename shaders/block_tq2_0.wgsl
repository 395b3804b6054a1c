// provides: block
// needs: unpack
// GGUF TQ2_0: w = d (q - 1), q of 2 bits; one f16 d for 256 inputs.
@group(0) @binding(2) var<storage, read> weights: array<vec2u>; // [N, K_BLOCKS], thirty-two inputs each
@group(0) @binding(3) var<storage, read> scales: array<u32>; // [N] rows of one f16 d a super-block

const HAS_MINIMUM = true;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  quants: vec2u,
}

fn load_block(row: u32, block: u32) -> Block {
  let super_block = block / 8u;
  let d = vec2f(half_of(scales[row * ((K_BLOCKS / 8u + 1u) / 2u) + super_block / 2u], super_block));
  return Block(d, d, weights[row * K_BLOCKS + block]);
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  return pair_quad(block.quants[quad / 4u], quad);
}
