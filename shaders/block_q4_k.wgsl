// provides: block
// GGUF Q4_K: w = d s q - dmin m, q of 4 bits; super-blocks of 256 with a scale and a minimum of 6 bits for each block of 32.
// Nibbles as in block_q4_1.
@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS], thirty-two inputs each
@group(0) @binding(3) var<storage, read> scales: array<u32>; // [N, K_BLOCKS / 8, 4] (f16 d, f16 dmin), 6-bit scales and minimums

const HAS_MINIMUM = true;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  quants: vec4u,
}

// Scale and minimum of block j in 6 bits each: eight low nibbles of the scales, eight of the minimums, then two high bits of
// each in turn.
fn scale_and_minimum(at: u32, j: u32) -> vec2f {
  let low = (vec2u(scales[at + 1u], scales[at + 2u]) >> vec2u(4u * j)) & vec2u(15u);
  let high = (vec2u(scales[at + 3u]) >> vec2u(4u * j, 4u * j + 2u)) & vec2u(3u);
  return unpack2x16float(scales[at]) * vec2f(low | (high << vec2u(4u)));
}

fn load_block(row: u32, block: u32) -> Block {
  let pair = scale_and_minimum((row * (K_BLOCKS / 8u) + block / 8u) * 4u, block & 7u);
  return Block(vec2f(pair.x), vec2f(pair.y), weights[row * K_BLOCKS + block]);
}

fn nibbles(word: u32, quad: u32) -> vec4u {
  return (vec4u(word) >> (vec4u(0u, 8u, 16u, 24u) + 4u * (quad & 1u))) & vec4u(15u);
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  return vec4f(nibbles(block.quants[quad / 2u], quad));
}
