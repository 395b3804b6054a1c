// provides: emit
// The residual stream y, which a product is added to (or which it is), and as much of the RMSNorm after it (Zhang & Sennrich
// 2019) as one thread knows: elements times their gain, and the squares of each pair. scale_norm does the rest.
override Y_STRIDE: u32; // elements from one row of y, and of h, to the next
override SQUARES_AT: u32; // elements of h before the squares
override ADD: bool = true;

@group(0) @binding(4) var<storage, read_write> y: array<vec2f>; // [T, Y_STRIDE / 2]
@group(0) @binding(5) var<storage, read> gain: array<vec2f>; // [Y_STRIDE / 2]
@group(0) @binding(6) var<storage, read_write> h: array<f32>; // [T, Y_STRIDE] y * gain, then [T, Y_STRIDE / 2] squares

fn emit(row: u32, col: u32, a: f32, b: f32) {
  if (col >= N) { return; }
  let at = row * Y_STRIDE + col;
  // An odd N has padding beside it, which stays zero.
  var pair = vec2f(a, select(0.0, b, col + 1u < N));
  if (ADD) { pair += y[at / 2u]; }
  y[at / 2u] = pair;
  let scaled = pair * gain[col / 2u];
  h[at] = scaled.x;
  h[at + 1u] = scaled.y;
  h[SQUARES_AT + at / 2u] = dot(pair, pair);
}
