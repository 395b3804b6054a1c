// provides: block
// needs: unpack
// GGUF Q1_0: w = d (2 q - 1), q of 1 bit; one f16 d for 128 inputs.
@group(0) @binding(2) var<storage, read> weights: array<u32>; // [N, K_BLOCKS], thirty-two inputs each
@group(0) @binding(3) var<storage, read> scales: array<u32>; // [N] rows of one f16 d for four blocks

const HAS_MINIMUM = true;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  quants: u32,
}

fn load_block(row: u32, block: u32) -> Block {
  let d = vec2f(half_of(scales[row * ((K_BLOCKS / 4u + 1u) / 2u) + block / 8u], block / 4u));
  return Block(2.0 * d, d, weights[row * K_BLOCKS + block]);
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  return bytes_of(bits(block.quants, quad));
}
