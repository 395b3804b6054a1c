// provides: start
// The outputs of a matmul begin at values of their own in each row: what adapters add to it.
override START_STRIDE: u32; // elements from one row to the next

@group(0) @binding(8) var<storage, read> start: array<vec2f>; // [T, START_STRIDE / 2]

fn start_pair(row: u32, col: u32) -> vec2f {
  return start[(row * START_STRIDE + FIRST + col) / 2u];
}
