// provides: block
// needs: unpack
// GGUF IQ4_XS: w = d (s - 32) value(q) with the values of block_iq4_nl and a scale of 6 bits for each block of 32.
@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS], thirty-two inputs each
@group(0) @binding(3) var<storage, read> scales: array<vec2u>; // [N, K_BLOCKS / 8] f16 d and two high bits of eight scales, their low nibbles

const HAS_MINIMUM = false;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  quants: vec4u,
}

fn load_block(row: u32, block: u32) -> Block {
  let words = scales[row * (K_BLOCKS / 8u) + block / 8u];
  let j = block & 7u;
  let high = (words.x >> (16u + 2u * j)) & 3u;
  let low = (words.y >> (4u * j)) & 15u;
  let scale = unpack2x16float(words.x).x * (f32(low | (high << 4u)) - 32.0);
  return Block(vec2f(scale), vec2f(), weights[row * K_BLOCKS + block]);
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  return iq4_of(block.quants[quad / 2u], quad);
}
