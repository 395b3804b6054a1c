// provides: emit
// What a matmul does with its results: store them. `emit` receives outputs `col` (always even) and `col + 1` of a row.
override Y_STRIDE: u32; // elements from one row of y to the next

@group(0) @binding(4) var<storage, read_write> y: array<f32>; // [T, Y_STRIDE]

fn emit(row: u32, col: u32, a: f32, b: f32) {
  let at = row * Y_STRIDE + col;
  if (col < N) { y[at] = a; }
  if (col + 1u < N) { y[at + 1u] = b; }
}
