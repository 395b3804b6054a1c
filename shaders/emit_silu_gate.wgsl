// provides: emit
// SwiGLU (Shazeer 2020, "GLU Variants Improve Transformer"): w1 and w3 are stored with their rows interleaved, so that
// the gate (even `col`) and the value (odd) of one hidden unit arrive together.
override Y_STRIDE: u32; // elements from one row of y to the next

@group(0) @binding(4) var<storage, read_write> y: array<f32>; // [T, Y_STRIDE]

fn emit(row: u32, col: u32, a: f32, b: f32) {
  if (col < N) { y[row * Y_STRIDE + col / 2u] = a / (1.0 + exp(min(-a, 80.0))) * b; }
}
