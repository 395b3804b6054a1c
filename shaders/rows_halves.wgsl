// provides: rows
// needs: halves
// Weights of 16 bits, two in each u32.
override K_BLOCKS: u32; // blocks of 32 inputs in a row

@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS * 4], eight weights each

const X_SCALE = vec4f(1.0);
const HAS_HALVES = false;
const HAS_MINIMUM = false;

struct RowBlock {
  scale: vec2f, // of each half
  minimum: vec2f,
  a: vec4u,
  b: vec4u,
  c: vec4u,
  d: vec4u,
}

fn load_row_block(row: u32, block: u32) -> RowBlock {
  let at = (row * K_BLOCKS + block) * 4u;
  return RowBlock(vec2f(1.0), vec2f(), weights[at], weights[at + 1u], weights[at + 2u], weights[at + 3u]);
}

fn row_quad(block: RowBlock, quad: u32) -> vec4f {
  var words = block.a;
  if (quad > 1u) { words = block.b; }
  if (quad > 3u) { words = block.c; }
  if (quad > 5u) { words = block.d; }
  return unpack_quad(select(words.xy, words.zw, (quad & 1u) == 1u));
}
