// provides: block
// needs: unpack
// GGUF IQ3_XXS: w = d (2 s + 1) / 4 times an entry of a grid of 256, of four sizes each, with signs; a scale for 32 inputs.
@group(0) @binding(2) var<storage, read> weights: array<u32>; // [N] rows of [K_BLOCKS / 8, 24] (sixteen words of indexes, eight of four times seven signs and a scale of four bits), then one f16 d a super-block
@group(0) @binding(3) var<storage, read> grid: array<u32>; // [256] four bytes

const HAS_MINIMUM = false;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  indexes: vec2u,
  signs: vec4u,
}

fn load_block(row: u32, block: u32) -> Block {
  let supers = K_BLOCKS / 8u;
  let first = row * (supers * 24u + (supers + 1u) / 2u);
  let super_block = block / 8u;
  let at = first + super_block * 24u;
  let j = block & 7u;
  let word = weights[at + 16u + j];
  let d = half_of(weights[first + supers * 24u + super_block / 2u], super_block);
  let indexes = vec2u(weights[at + 2u * j], weights[at + 2u * j + 1u]);
  let signs = even_signs(vec4u(word) >> vec4u(0u, 7u, 14u, 21u));
  return Block(vec2f(d * (0.5 * f32(word >> 28u) + 0.25)), vec2f(), indexes, signs);
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  let entry = grid[(block.indexes[quad / 4u] >> (8u * (quad & 3u))) & 255u];
  return signed_bytes_of(with_signs(entry, block.signs[quad / 2u] >> (4u * (quad & 1u))));
}
