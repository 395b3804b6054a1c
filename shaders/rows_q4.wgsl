// provides: rows
// 4-bit weights in blocks of 32 with one f16 scale, as weights_q4 has them. A nibble becomes a float where it lies in its
// word, so it is too large by a power of two, which X_SCALE takes off the input; and the 8 that is too much in each is taken off
// once, from the sum of a block. Both are exact.
override K_BLOCKS: u32; // blocks of 32 inputs in a row

@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS], thirty-two weights each
@group(0) @binding(3) var<storage, read> scales: array<u32>; // [N * K_BLOCKS / 2], two f16 each

const X_SCALE = vec4f(1.0, 0x1p-8, 0x1p-16, 0x1p-24);
const HAS_HALVES = false;
const HAS_MINIMUM = true;

struct RowBlock {
  scale: vec2f, // of each half
  minimum: vec2f,
  quants: vec4u,
}

fn load_row_block(row: u32, block: u32) -> RowBlock {
  let at = row * K_BLOCKS + block;
  let scale = unpack2x16float(scales[at / 2u] >> (16u * (at & 1u))).x;
  return RowBlock(vec2f(scale), vec2f(8.0 * scale), weights[at]);
}

fn row_quad(block: RowBlock, quad: u32) -> vec4f {
  let word = block.quants[quad / 2u] >> (4u * (quad & 1u));
  return vec4f(bitcast<vec4i>(vec4u(word) & vec4u(0xfu, 0xf00u, 0xf0000u, 0xf000000u)));
}
