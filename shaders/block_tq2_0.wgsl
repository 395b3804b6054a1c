// provides: block
// GGUF TQ2_0: w = d (q - 1), q of 2 bits; one f16 d for 256 inputs.
@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS / 2], sixty-four inputs each
@group(0) @binding(3) var<storage, read> scales: array<u32>; // [N] rows of one f16 d a super-block

const HAS_MINIMUM = false;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  quants: vec2u,
}

// The f16 number `index` from word `at` on.
fn half(at: u32, index: u32) -> f32 {
  return unpack2x16float(scales[at + index / 2u])[index & 1u];
}

fn load_block(row: u32, block: u32) -> Block {
  let two = weights[row * (K_BLOCKS / 2u) + block / 2u];
  let quants = select(two.xy, two.zw, (block & 1u) == 1u);
  let d = half(row * ((K_BLOCKS / 8u + 1u) / 2u), block / 8u);
  return Block(vec2f(d), vec2f(), quants);
}

// Byte j of a word of sixteen inputs holds input 4i + j in bits 2i and 2i + 1.
fn pairs(word: u32, quad: u32) -> vec4u {
  return (vec4u(word) >> (vec4u(0u, 8u, 16u, 24u) + 2u * (quad & 3u))) & vec4u(3u);
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  return vec4f(pairs(block.quants[quad / 4u], quad)) - vec4f(1.0);
}
