// provides: rows
// needs: weights
// Weights of any layout, quad by quad.
const X_SCALE = vec4f(1.0);
const HAS_HALVES = false;
const HAS_MINIMUM = false;

struct RowBlock {
  scale: vec2f, // of each half
  minimum: vec2f,
  row: u32,
  first: u32, // quad
}

fn load_row_block(row: u32, block: u32) -> RowBlock {
  return RowBlock(vec2f(1.0), vec2f(), row, block * 8u);
}

fn row_quad(block: RowBlock, quad: u32) -> vec4f {
  return weight_quad(block.row, block.first + quad);
}
