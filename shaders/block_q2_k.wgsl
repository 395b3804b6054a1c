// provides: block
// needs: unpack
// GGUF Q2_K: w = d s q - dmin m, q of 2 bits; super-blocks of 256 with a scale and a minimum of 4 bits for each 16 inputs.
@group(0) @binding(2) var<storage, read> weights: array<vec2u>; // [N, K_BLOCKS], thirty-two inputs each
@group(0) @binding(3) var<storage, read> scales: array<u32>; // [N, K_BLOCKS / 8, 5] (f16 d, f16 dmin), sixteen bytes: scale in the low nibble, minimum in the high one

const HAS_MINIMUM = true;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  quants: vec2u,
}

fn load_block(row: u32, block: u32) -> Block {
  let at = (row * (K_BLOCKS / 8u) + block / 8u) * 5u;
  let j = block & 7u;
  let bytes = vec2u(scales[at + 1u + j / 2u] >> (16u * (j & 1u))) >> vec2u(0u, 8u);
  let pair = unpack2x16float(scales[at]);
  let scale = pair.x * vec2f(bytes & vec2u(15u));
  return Block(scale, pair.y * vec2f((bytes >> vec2u(4u)) & vec2u(15u)), weights[row * K_BLOCKS + block]);
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  return pair_quad(block.quants[quad / 4u], quad);
}
