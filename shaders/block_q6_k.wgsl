// provides: block
// GGUF Q6_K: w = d s (q - 32), q of 6 bits; super-blocks of 256 with a scale of 8 bits for each 16 inputs. Nibbles as in
// block_q4_1.
@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS], thirty-two inputs each
@group(0) @binding(3) var<storage, read> scales: array<u32>; // [N] rows of [K_BLOCKS / 8, 20] (two high bits, 8-bit scales), then one f16 d a super-block

const HAS_MINIMUM = false;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  quants: vec4u,
  high: vec2u,
}

// The f16 number `index` from word `at` on.
fn half(at: u32, index: u32) -> f32 {
  return unpack2x16float(scales[at + index / 2u])[index & 1u];
}

fn load_block(row: u32, block: u32) -> Block {
  let supers = K_BLOCKS / 8u;
  let first = row * (supers * 20u + (supers + 1u) / 2u);
  let at = first + block / 8u * 20u;
  let j = block & 7u;
  let two = scales[at + 16u + j / 2u] >> (16u * (j & 1u));
  let scale = vec2f(bitcast<vec2i>(vec2u(two) << vec2u(24u, 16u)) >> vec2u(24u));
  let high = vec2u(scales[at + 2u * j], scales[at + 2u * j + 1u]);
  return Block(half(first + supers * 20u, block / 8u) * scale, vec2f(), weights[row * K_BLOCKS + block], high);
}

fn nibbles(word: u32, quad: u32) -> vec4u {
  return (vec4u(word) >> (vec4u(0u, 8u, 16u, 24u) + 4u * (quad & 1u))) & vec4u(15u);
}

// Byte j of a word of sixteen inputs holds input 4i + j in bits 2i and 2i + 1.
fn pairs(word: u32, quad: u32) -> vec4u {
  return (vec4u(word) >> (vec4u(0u, 8u, 16u, 24u) + 2u * (quad & 3u))) & vec4u(3u);
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  let high = pairs(block.high[quad / 4u], quad) << vec4u(4u);
  return vec4f(nibbles(block.quants[quad / 2u], quad) | high) - vec4f(32.0);
}
