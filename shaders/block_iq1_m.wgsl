// provides: block
// needs: unpack
// GGUF IQ1_M: w = d (2 s + 1) (g - 1 + shift) with the grid of block_iq1_s; a scale for 16 inputs, a shift for eight.
@group(0) @binding(2) var<storage, read> weights: array<u32>; // [N, K_BLOCKS / 8, 14] eight words of low bits of indexes, four of three high bits and the shift for eight inputs each, two of sixteen scales of three bits with four bits of the f16 d after each four
@group(0) @binding(3) var<storage, read> grid: array<u32>; // [2048] eight nibbles

const HAS_MINIMUM = true;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  low: u32,
  high: u32,
}

fn load_block(row: u32, block: u32) -> Block {
  let at = (row * (K_BLOCKS / 8u) + block / 8u) * 14u;
  let j = block & 7u;
  let words = vec2u(weights[at + 12u], weights[at + 13u]);
  let parts = (words >> vec2u(12u)) & vec2u(15u);
  let uppers = words >> vec2u(28u);
  let d = unpack2x16float(parts.x | (uppers.x << 4u) | (parts.y << 8u) | (uppers.y << 12u)).x;
  let three = vec2u(words[j / 4u] >> (16u * ((j / 2u) & 1u) + 6u * (j & 1u))) >> vec2u(0u, 3u);
  let scale = d * (2.0 * vec2f(three & vec2u(7u)) + 1.0);
  return Block(scale, scale, weights[at + j], weights[at + 8u + j / 2u] >> (16u * (j & 1u)));
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  let l = quad / 2u;
  let high = block.high >> (4u * l);
  let entry = grid[((block.low >> (8u * l)) & 255u) | ((high & 7u) << 8u)];
  return nibble_quad(entry, quad) + select(0.125, -0.125, (high & 8u) > 0u);
}
