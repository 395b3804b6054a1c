// The log-probability of the token that stands after each output row in its sequence: what a text costs the model. It reads
// the raw logits, every id counts, and one number comes back for each row.
override V: u32;
override STRIDE: u32; // elements from one row of logits to the next
override POSITIONS: u32; // tokens that the history of a sequence holds

@group(0) @binding(0) var<storage, read> logits: array<f32>; // [outputs, STRIDE]
@group(0) @binding(1) var<storage, read> rows: array<vec4u>; // [T] (sequence, position, output row, -)
@group(0) @binding(2) var<storage, read> history: array<u32>; // [sequences, POSITIONS]
@group(0) @binding(3) var<storage, read_write> logprobs: array<f32>; // [T]

const THREADS = 256u;

var<workgroup> partial: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let index = rows[group.x].z;
  let row = rows[index];
  let first = group.x * STRIDE;

  var top = -3.4028234e38f;
  for (var id = thread; id < V; id += THREADS) { top = max(top, logits[first + id]); }
  partial[thread] = top;
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { partial[thread] = max(partial[thread], partial[thread + half]); }
  }
  workgroupBarrier();
  top = partial[0];
  workgroupBarrier();

  var sum = 0.0;
  for (var id = thread; id < V; id += THREADS) { sum += exp(logits[first + id] - top); }
  partial[thread] = sum;
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { partial[thread] += partial[thread + half]; }
  }
  workgroupBarrier();
  if (thread == 0u) {
    let next = min(row.y + 1u, POSITIONS - 1u);
    let id = min(history[row.x * POSITIONS + next], V - 1u);
    logprobs[index] = logits[first + id] - top - log(partial[0]);
  }
}
