// provides: block
// needs: unpack
// GGUF IQ2_XS: w = d (2 s + 1) / 8 times an entry of a grid of 512, of eight sizes each, with signs; a scale for 16 inputs.
@group(0) @binding(2) var<storage, read> weights: array<u32>; // [N] rows of [K_BLOCKS / 8, 18] (two times nine bits of index and seven signs in each of sixteen words, sixteen scales of four bits), then one f16 d a super-block
@group(0) @binding(3) var<storage, read> grid: array<vec2u>; // [512] eight bytes

const HAS_MINIMUM = false;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  indexes: vec4u,
  signs: vec4u,
}

fn load_block(row: u32, block: u32) -> Block {
  let supers = K_BLOCKS / 8u;
  let first = row * (supers * 18u + (supers + 1u) / 2u);
  let super_block = block / 8u;
  let at = first + super_block * 18u;
  let j = block & 7u;
  let d = half_of(weights[first + supers * 18u + super_block / 2u], super_block);
  let scale = vec2f((vec2u(weights[at + 16u + j / 4u] >> (8u * (j & 3u))) >> vec2u(0u, 4u)) & vec2u(15u));
  let two = vec2u(weights[at + 2u * j], weights[at + 2u * j + 1u]);
  let four = vec4u(two.x, two.x >> 16u, two.y, two.y >> 16u);
  return Block(d * (0.25 * scale + 0.125), vec2f(), four & vec4u(511u), even_signs(four >> vec4u(9u)));
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  let entry = grid[block.indexes[quad / 2u]];
  return signed_bytes_of(with_signs(entry[quad & 1u], block.signs[quad / 2u] >> (4u * (quad & 1u))));
}
