// provides: rows
// 8-bit weights in blocks of 32 with one f16 scale, as weights_q8 has them.
override K_BLOCKS: u32; // blocks of 32 inputs in a row

@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS * 2], sixteen weights each
@group(0) @binding(3) var<storage, read> scales: array<u32>; // [N * K_BLOCKS / 2], two f16 each

const X_SCALE = vec4f(1.0);
const HAS_HALVES = false;
const HAS_MINIMUM = false;

struct RowBlock {
  scale: vec2f, // of each half
  minimum: vec2f,
  low: vec4u,
  high: vec4u,
}

fn load_row_block(row: u32, block: u32) -> RowBlock {
  let at = row * K_BLOCKS + block;
  let scale = unpack2x16float(scales[at / 2u] >> (16u * (at & 1u))).x;
  return RowBlock(vec2f(scale), vec2f(), weights[at * 2u], weights[at * 2u + 1u]);
}

// Four signed bytes, the lowest first.
fn row_quad(block: RowBlock, quad: u32) -> vec4f {
  let word = select(block.low, block.high, quad > 3u)[quad & 3u];
  return vec4f(bitcast<vec4i>(vec4u(word) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
}
