// provides: block
// needs: groups
// Eight bits without a sign: w = scale (q - zero), by groups.
@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS * 2], sixteen inputs each

const HAS_MINIMUM = false;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  low: vec4u,
  high: vec4u,
  zero: f32,
  row: u32,
  block: u32,
}

fn load_block(row: u32, block: u32) -> Block {
  let at = (row * K_BLOCKS + block) * 2u;
  if (TABLES > 0u) { return Block(vec2f(1.0), vec2f(), weights[at], weights[at + 1u], 0.0, row, block); }
  let group = block / GROUP_BLOCKS;
  return Block(vec2f(group_scale(row, group)), vec2f(), weights[at], weights[at + 1u], group_zero(row, group), row, block);
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  let word = select(block.low, block.high, quad > 3u)[quad & 3u];
  let quants = vec4f((vec4u(word) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u));
  if (TABLES > 0u) { return by_column(block.row, block.block * 8u + quad, quants); }
  return quants - vec4f(block.zero);
}
