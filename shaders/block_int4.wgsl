// provides: block
// needs: groups
// Four bits: w = scale (q - zero), by groups. Byte j of word i holds input 8i + j in its low nibble and input 8i + 4 + j in its high one.
@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS], thirty-two inputs each

const HAS_MINIMUM = false;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  quants: vec4u,
  zero: f32,
  row: u32,
  block: u32,
}

fn load_block(row: u32, block: u32) -> Block {
  let quants = weights[row * K_BLOCKS + block];
  if (TABLES > 0u) { return Block(vec2f(1.0), vec2f(), quants, 0.0, row, block); }
  let group = block / GROUP_BLOCKS;
  return Block(vec2f(group_scale(row, group)), vec2f(), quants, group_zero(row, group), row, block);
}

fn nibbles(word: u32, quad: u32) -> vec4u {
  return (vec4u(word) >> (vec4u(0u, 8u, 16u, 24u) + 4u * (quad & 1u))) & vec4u(15u);
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  let quants = vec4f(nibbles(block.quants[quad / 2u], quad));
  if (TABLES > 0u) { return by_column(block.row, block.block * 8u + quad, quants); }
  return quants - vec4f(block.zero);
}
