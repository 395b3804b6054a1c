// provides: block
// GGUF Q3_K: w = d (s - 32) (q - 4), q of 3 bits; super-blocks of 256 with a scale of 6 bits for each 16 inputs.
@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS / 2], sixty-four inputs each
@group(0) @binding(3) var<storage, read> scales: array<u32>; // [N] rows of [K_BLOCKS / 8, 11] (eight words of third bits, low nibbles and high bits of 16 scales), then one f16 d a super-block

const HAS_MINIMUM = false;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  quants: vec2u,
  third: u32,
}

// The f16 number `index` from word `at` on.
fn half(at: u32, index: u32) -> f32 {
  return unpack2x16float(scales[at + index / 2u])[index & 1u];
}

fn load_block(row: u32, block: u32) -> Block {
  let two = weights[row * (K_BLOCKS / 2u) + block / 2u];
  let quants = select(two.xy, two.zw, (block & 1u) == 1u);
  let supers = K_BLOCKS / 8u;
  let first = row * (supers * 11u + (supers + 1u) / 2u);
  let at = first + block / 8u * 11u;
  let j = block & 7u;
  let low = (vec2u(scales[at + 8u + j / 4u]) >> (vec2u(0u, 4u) + 8u * (j & 3u))) & vec2u(15u);
  let high = (vec2u(scales[at + 10u]) >> (vec2u(0u, 2u) + 4u * j)) & vec2u(3u);
  let scale = half(first + supers * 11u, block / 8u) * (vec2f(low | (high << vec2u(4u))) - vec2f(32.0));
  return Block(scale, vec2f(), quants, scales[at + j]);
}

// Byte j of a word of sixteen inputs holds input 4i + j in bits 2i and 2i + 1.
fn pairs(word: u32, quad: u32) -> vec4u {
  return (vec4u(word) >> (vec4u(0u, 8u, 16u, 24u) + 2u * (quad & 3u))) & vec4u(3u);
}

// Byte j of the word holds the bit of input 4i + j at place i.
fn bits(word: u32, quad: u32) -> vec4u {
  return (vec4u(word) >> (vec4u(0u, 8u, 16u, 24u) + quad)) & vec4u(1u);
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  return vec4f(pairs(block.quants[quad / 4u], quad) | (bits(block.third, quad) << vec4u(2u))) - vec4f(4.0);
}
