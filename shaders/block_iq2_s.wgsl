// provides: block
// needs: unpack
// GGUF IQ2_S: w = d (2 s + 1) / 8 times an entry of a grid of 1024, of eight sizes each, with signs; a scale for 16 inputs.
@group(0) @binding(2) var<storage, read> weights: array<u32>; // [N] rows of [K_BLOCKS / 8, 20] (eight words of low bits of indexes, eight of signs, two of high bits, sixteen scales of four bits), then one f16 d a super-block
@group(0) @binding(3) var<storage, read> grid: array<vec2u>; // [1024] eight bytes

const HAS_MINIMUM = false;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  low: u32,
  high: u32,
  signs: u32,
}

fn load_block(row: u32, block: u32) -> Block {
  let supers = K_BLOCKS / 8u;
  let first = row * (supers * 20u + (supers + 1u) / 2u);
  let super_block = block / 8u;
  let at = first + super_block * 20u;
  let j = block & 7u;
  let d = half_of(weights[first + supers * 20u + super_block / 2u], super_block);
  let scale = vec2f((vec2u(weights[at + 18u + j / 4u] >> (8u * (j & 3u))) >> vec2u(0u, 4u)) & vec2u(15u));
  let high = weights[at + 16u + j / 4u] >> (8u * (j & 3u));
  return Block(d * (0.25 * scale + 0.125), vec2f(), weights[at + j], high, weights[at + 8u + j]);
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  let l = quad / 2u;
  let entry = grid[((block.low >> (8u * l)) & 255u) | (((block.high >> (2u * l)) & 3u) << 8u)];
  return signed_bytes_of(with_signs(entry[quad & 1u], block.signs >> (4u * quad)));
}
