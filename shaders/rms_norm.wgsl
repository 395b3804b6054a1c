// RMSNorm (Zhang & Sennrich 2019): y = x / sqrt(mean(x^2) + eps) * gain. One workgroup per row. Padding of x is zero and
// padding of the gain keeps it zero. With GATHER, row i of y comes from row rows[i].z of x.
override D: u32; // elements of a row
override X_QUADS: u32; // quads from one row of x to the next
override EPS: f32;
override GATHER: bool = false;
override WORKGROUP: u32 = 64u;

@group(0) @binding(0) var<storage, read> x: array<vec4f>; // [T, X_QUADS]
@group(0) @binding(1) var<storage, read> gain: array<vec4f>; // [X_QUADS]
@group(0) @binding(2) var<storage, read> rows: array<vec4u>; // [T] (-, -, output row, -)
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>; // [T, X_QUADS]

var<workgroup> partial: array<f32, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  var source = group.x;
  if (GATHER) { source = rows[group.x].z; }
  var sum = 0.0;
  for (var i = thread; i < X_QUADS; i += WORKGROUP) {
    let v = x[source * X_QUADS + i];
    sum += dot(v, v);
  }
  partial[thread] = sum;
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { partial[thread] += partial[thread + half]; }
  }
  workgroupBarrier();
  let scale = inverseSqrt(partial[0] / f32(D) + EPS);
  for (var i = thread; i < X_QUADS; i += WORKGROUP) {
    y[group.x * X_QUADS + i] = x[source * X_QUADS + i] * scale * gain[i];
  }
}
