// provides: scale
// The inputs of a matmul are what emit_norm has left: x times the gain of an RMSNorm, and squares of x, of which the scale
// of each row is made here. A product is linear, so its sums are scaled instead of its inputs.
override D: u32; // elements of a row
override EPS: f32;
override SQUARES_FROM: u32; // quads of x before the squares of its rows

// Threads that share a row, and how many sums are left of theirs.
override SHARES: u32 = max(1u, WORKGROUP / GROUP_ROWS);
override SUMS: u32 = min(8u, SHARES);

var<workgroup> shares: array<f32, GROUP_ROWS * SHARES>;
var<workgroup> sums: array<f32, GROUP_ROWS * SUMS>;

// Every thread of the workgroup comes here, before any asks for the scale of one of its rows.
fn measure_rows(first_row: u32, thread: u32) {
  for (var i = thread; i < GROUP_ROWS * SHARES; i += WORKGROUP) {
    let at = SQUARES_FROM + (first_row + i / SHARES) * K_BLOCKS * 4u;
    var sum = vec4f();
    for (var quad = i % SHARES; quad < K_BLOCKS * 4u; quad += SHARES) { sum += x[at + quad]; }
    shares[i] = dot(sum, vec4f(1.0));
  }
  workgroupBarrier();
  for (var i = thread; i < GROUP_ROWS * SUMS; i += WORKGROUP) {
    var sum = 0.0;
    for (var share = i % SUMS; share < SHARES; share += SUMS) { sum += shares[i / SUMS * SHARES + share]; }
    sums[i] = sum;
  }
  workgroupBarrier();
}

// Of the workgroup's rows.
fn row_scale(row: u32) -> f32 {
  var sum = 0.0;
  for (var i = 0u; i < SUMS; i++) { sum += sums[row * SUMS + i]; }
  return inverseSqrt(sum / f32(D) + EPS);
}
