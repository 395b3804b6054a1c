// provides: block
// GGUF Q5_K: w = d s q - dmin m, q of 5 bits; scales and minimums as in block_q4_k, nibbles as in block_q4_1.
@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS], thirty-two inputs each
@group(0) @binding(3) var<storage, read> scales: array<u32>; // [N, K_BLOCKS / 8, 12] (f16 d, f16 dmin), 6-bit scales and minimums, fifth bits of eight blocks

const HAS_MINIMUM = true;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  quants: vec4u,
  fifth: u32,
}

// Scale and minimum of block j in 6 bits each: eight low nibbles of the scales, eight of the minimums, then two high bits of
// each in turn.
fn scale_and_minimum(at: u32, j: u32) -> vec2f {
  let low = (vec2u(scales[at + 1u], scales[at + 2u]) >> vec2u(4u * j)) & vec2u(15u);
  let high = (vec2u(scales[at + 3u]) >> vec2u(4u * j, 4u * j + 2u)) & vec2u(3u);
  return unpack2x16float(scales[at]) * vec2f(low | (high << vec2u(4u)));
}

fn load_block(row: u32, block: u32) -> Block {
  let at = (row * (K_BLOCKS / 8u) + block / 8u) * 12u;
  let pair = scale_and_minimum(at, block & 7u);
  return Block(vec2f(pair.x), vec2f(pair.y), weights[row * K_BLOCKS + block], scales[at + 4u + (block & 7u)]);
}

fn nibbles(word: u32, quad: u32) -> vec4u {
  return (vec4u(word) >> (vec4u(0u, 8u, 16u, 24u) + 4u * (quad & 1u))) & vec4u(15u);
}

// Byte j of the word holds the bit of input 4i + j at place i.
fn bits(word: u32, quad: u32) -> vec4u {
  return (vec4u(word) >> (vec4u(0u, 8u, 16u, 24u) + quad)) & vec4u(1u);
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  return vec4f(nibbles(block.quants[quad / 2u], quad) | (bits(block.fifth, quad) << vec4u(4u)));
}
