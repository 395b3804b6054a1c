// provides: rows
// 4-bit weights in blocks of 32 with one f16 scale, as weights_q4 has them. A nibble q whose highest bit is flipped is q - 8 as a
// signed number of four bits. At the top of its word it becomes the float (q - 8) * 2^28, exactly, and the scale takes the power of
// two off again: so a block needs no sum of its inputs.
override K_BLOCKS: u32; // blocks of 32 inputs in a row

@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS], thirty-two weights each
@group(0) @binding(3) var<storage, read> scales: array<u32>; // [N * K_BLOCKS / 2], two f16 each

const X_SCALE = vec4f(1.0);
const HAS_HALVES = false;
const HAS_MINIMUM = false;

struct RowBlock {
  scale: vec2f, // of each half
  minimum: vec2f,
  quants: vec4u,
}

fn load_row_block(row: u32, block: u32) -> RowBlock {
  let at = row * K_BLOCKS + block;
  let scale = 0x1p-28 * unpack2x16float(scales[at / 2u] >> (16u * (at & 1u))).x;
  return RowBlock(vec2f(scale), vec2f(), weights[at] ^ vec4u(0x88888888u));
}

fn row_quad(block: RowBlock, quad: u32) -> vec4f {
  let tops = vec4u(block.quants[quad / 2u]) << (vec4u(28u, 20u, 12u, 4u) - 4u * (quad & 1u));
  return vec4f(bitcast<vec4i>(tops & vec4u(0xf0000000u)));
}
