// Attention, second half: joins the splits of attention, where there are several. One thread per quad of a head.
override HEAD_DIM: u32;
override HEAD_STRIDE: u32; // HEAD_DIM rounded up to a multiple of 4
override N_HEADS: u32;
override WINDOW: u32; // keys a query sees, itself included
override KEYS_PER_SPLIT: u32;
override Y_STRIDE: u32; // elements from one row of y to the next

override QUADS: u32 = HEAD_STRIDE / 4u;
const THREADS = 64u;

@group(0) @binding(0) var<storage, read> rows: array<vec4u>; // [T] (-, position, -, splits at most)
@group(0) @binding(1) var<storage, read> splits: array<vec4f>; // [T, N_HEADS, splits, QUADS]
@group(0) @binding(2) var<storage, read> stats: array<vec2f>; // [T, N_HEADS, splits] (maximum, sum of p)
@group(0) @binding(3) var<storage, read_write> y: array<f32>; // [T, Y_STRIDE], heads one after another

@compute @workgroup_size(THREADS)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= N_HEADS * QUADS) { return; }
  let row = id.y;
  let head = id.x / QUADS;
  let quad = id.x % QUADS;
  let visible = min(rows[row].y + 1u, WINDOW);
  let count = clamp((visible + KEYS_PER_SPLIT - 1u) / KEYS_PER_SPLIT, 1u, rows[row].w);
  let first = (row * N_HEADS + head) * rows[row].w;
  var maximum = -1e30;
  for (var i = first; i < first + count; i++) { maximum = max(maximum, stats[i].x); }
  var sum = vec4f();
  var total = 0.0;
  for (var i = first; i < first + count; i++) {
    let weight = exp(stats[i].x - maximum);
    sum += splits[i * QUADS + quad] * weight;
    total += stats[i].y * weight;
  }
  sum /= total;
  for (var i = 0u; i < 4u; i++) {
    if (quad * 4u + i < HEAD_DIM) { y[row * Y_STRIDE + head * HEAD_DIM + quad * 4u + i] = sum[i]; }
  }
}
