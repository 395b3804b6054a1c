// provides: block
// needs: unpack
// GGUF IQ1_S: w = d (2 s + 1) (g - 1 + shift), g an entry of a grid of 2048, of eight numbers 0, 1, 2 each; a scale and a
// shift of an eighth up or down for 32 inputs.
@group(0) @binding(2) var<storage, read> weights: array<u32>; // [N] rows of [K_BLOCKS / 8, 12] (eight words of low bits of indexes; for each block four times three high bits, a scale of three bits, the shift), then one f16 d a super-block
@group(0) @binding(3) var<storage, read> grid: array<u32>; // [2048] eight nibbles

const HAS_MINIMUM = true;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  low: u32,
  high: u32,
}

fn load_block(row: u32, block: u32) -> Block {
  let supers = K_BLOCKS / 8u;
  let first = row * (supers * 12u + (supers + 1u) / 2u);
  let super_block = block / 8u;
  let at = first + super_block * 12u;
  let j = block & 7u;
  let d = half_of(weights[first + supers * 12u + super_block / 2u], super_block);
  let high = (weights[at + 8u + j / 2u] >> (16u * (j & 1u))) & 0xffffu;
  let scale = d * f32(2u * ((high >> 12u) & 7u) + 1u);
  let minimum = scale * select(0.875, 1.125, high > 0x7fffu);
  return Block(vec2f(scale), vec2f(minimum), weights[at + j], high);
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  let l = quad / 2u;
  let entry = grid[((block.low >> (8u * l)) & 255u) | (((block.high >> (3u * l)) & 7u) << 8u)];
  return nibble_quad(entry, quad);
}
