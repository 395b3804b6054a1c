// provides: start
// The outputs of a matmul begin at zero.
fn start_pair(row: u32, col: u32) -> vec2f {
  return vec2f();
}
