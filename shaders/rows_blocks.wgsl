// provides: rows
// needs: block
// The block types, each with its scales as it has them.
override K_BLOCKS: u32; // blocks of 32 inputs in a row

const X_SCALE = vec4f(1.0);
const HAS_HALVES = true;
alias RowBlock = Block;

fn load_row_block(row: u32, block: u32) -> RowBlock {
  return load_block(row, block);
}

fn row_quad(block: RowBlock, quad: u32) -> vec4f {
  return block_quad(block, quad);
}
