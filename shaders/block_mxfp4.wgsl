// provides: block
// MXFP4: w = 2^(e - 127) value(q), 4-bit floats (E2M1) in blocks of 32 with a power of two (OCP Microscaling Formats 1.0).
// Nibbles as in block_q4_1.
@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS], thirty-two inputs each
@group(0) @binding(3) var<storage, read> scales: array<u32>; // [N] rows of one byte e a block

const HAS_MINIMUM = false;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  quants: vec4u,
}

// 2^(e - 127), halved because the values below are doubled; built from the bits of an f32, whose least exponent is -126.
fn power(e: u32) -> f32 {
  return bitcast<f32>(select((e - 1u) << 23u, 0x200000u << e, e < 2u));
}

fn load_block(row: u32, block: u32) -> Block {
  let word = scales[row * ((K_BLOCKS + 3u) / 4u) + block / 4u];
  return Block(vec2f(power((word >> (8u * (block & 3u))) & 255u)), vec2f(), weights[row * K_BLOCKS + block]);
}

fn nibbles(word: u32, quad: u32) -> vec4u {
  return (vec4u(word) >> (vec4u(0u, 8u, 16u, 24u) + 4u * (quad & 1u))) & vec4u(15u);
}

// Twice the value of a 4-bit float: 0, 1, 2, 3, 4, 6, 8, 12 by the low three bits, the sign in the fourth.
fn table_values(index: vec4u) -> vec4f {
  let word = select(vec4u(0x03020100u), vec4u(0x0c080604u), (index & vec4u(4u)) != vec4u());
  let size = vec4f((word >> (8u * (index & vec4u(3u)))) & vec4u(255u));
  return select(size, -size, index >= vec4u(8u));
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  return table_values(nibbles(block.quants[quad / 2u], quad));
}
