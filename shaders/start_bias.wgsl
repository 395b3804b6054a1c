// provides: start
// The outputs of a matmul begin at a bias, the same for every row.
@group(0) @binding(8) var<storage, read> bias: array<vec2f>; // [N / 2]

fn start_pair(row: u32, col: u32) -> vec2f {
  return bias[col / 2u];
}
