// provides: block
// needs: groups
// FP8 E4M3 times a scale by groups. Numbers are made from their bits, so no device feature is needed.
@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS * 2], sixteen inputs each

const HAS_MINIMUM = false;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  low: vec4u,
  high: vec4u,
}

fn load_block(row: u32, block: u32) -> Block {
  let at = (row * K_BLOCKS + block) * 2u;
  return Block(vec2f(group_scale(row, block / GROUP_BLOCKS)), vec2f(), weights[at], weights[at + 1u]);
}

// Exponents of E4M3 are 120 below those of f32. Numbers below 2^-6 are multiples of 2^-9, which as bits of an f32 would be
// flushed to zero on some devices; 127 is NaN, and there is no infinity.
fn block_quad(block: Block, quad: u32) -> vec4f {
  let word = select(block.low, block.high, quad > 3u)[quad & 3u];
  let bytes = vec4u(word) >> vec4u(0u, 8u, 16u, 24u);
  let magnitude = bytes & vec4u(127u);
  let normal = (magnitude << vec4u(20u)) + vec4u(0x3c000000u);
  let bits = select(normal, bitcast<vec4u>(vec4f(magnitude) * 0.001953125), magnitude < vec4u(8u));
  let sign = (bytes & vec4u(128u)) << vec4u(24u);
  return bitcast<vec4f>(sign | select(bits, vec4u(0x7fc00000u), magnitude == vec4u(127u)));
}
