// provides: block
// needs: unpack
// GGUF IQ3_S: w = d (2 s + 1) times an entry of a grid of 512, of four sizes each, with signs; a scale for 32 inputs.
@group(0) @binding(2) var<storage, read> weights: array<u32>; // [N] rows of [K_BLOCKS / 8, 27] (sixteen words of low bits of indexes, two of ninth bits, eight of signs, eight scales of four bits), then one f16 d a super-block
@group(0) @binding(3) var<storage, read> grid: array<u32>; // [512] four bytes

const HAS_MINIMUM = false;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  low: vec2u,
  high: u32,
  signs: u32,
}

fn load_block(row: u32, block: u32) -> Block {
  let supers = K_BLOCKS / 8u;
  let first = row * (supers * 27u + (supers + 1u) / 2u);
  let super_block = block / 8u;
  let at = first + super_block * 27u;
  let j = block & 7u;
  let d = half_of(weights[first + supers * 27u + super_block / 2u], super_block);
  let scale = d * f32(2u * ((weights[at + 26u] >> (4u * j)) & 15u) + 1u);
  let low = vec2u(weights[at + 2u * j], weights[at + 2u * j + 1u]);
  let high = weights[at + 16u + j / 4u] >> (8u * (j & 3u));
  return Block(vec2f(scale), vec2f(), low, high, weights[at + 18u + j]);
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  let low = (block.low[quad / 4u] >> (8u * (quad & 3u))) & 255u;
  let entry = grid[low | (((block.high >> quad) & 1u) << 8u)];
  return signed_bytes_of(with_signs(entry, block.signs >> (4u * quad)));
}
