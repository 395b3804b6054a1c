// provides: block
// needs: unpack
// GGUF IQ2_XXS: w = d (2 s + 1) / 8 times an entry of a grid of 256, of eight sizes each, with signs; a scale for 32 inputs.
@group(0) @binding(2) var<storage, read> weights: array<u32>; // [N] rows of [K_BLOCKS / 8, 8, 2] (four indexes, four times seven signs and a scale of four bits), then one f16 d a super-block
@group(0) @binding(3) var<storage, read> grid: array<vec2u>; // [256] eight bytes

const HAS_MINIMUM = false;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  indexes: u32,
  signs: vec4u,
}

fn load_block(row: u32, block: u32) -> Block {
  let supers = K_BLOCKS / 8u;
  let first = row * (K_BLOCKS * 2u + (supers + 1u) / 2u);
  let at = first + block * 2u;
  let word = weights[at + 1u];
  let d = half_of(weights[first + K_BLOCKS * 2u + block / 16u], block / 8u);
  let signs = even_signs(vec4u(word) >> vec4u(0u, 7u, 14u, 21u));
  return Block(vec2f(d * (0.25 * f32(word >> 28u) + 0.125)), vec2f(), weights[at], signs);
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  let entry = grid[(block.indexes >> (8u * (quad / 2u))) & 255u];
  return signed_bytes_of(with_signs(entry[quad & 1u], block.signs[quad / 2u] >> (4u * (quad & 1u))));
}
