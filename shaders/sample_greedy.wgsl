// needs: sampler_settings
// The best token for outputs that do not draw, the lowest id among equals: one workgroup for each output. The
// drawing kernels do this too; by itself it is small, and compiles at once where compilers are slow.
override QUADS: u32; // V / 4, rounded up
override V: u32; // ids that may be chosen
override STRIDE_QUADS: u32; // quads from one row of logits to the next
override POSITIONS: u32; // tokens that the history of a sequence holds

@group(0) @binding(0) var<storage, read> logits: array<vec4u>; // [outputs, STRIDE_QUADS] bits of f32
@group(0) @binding(1) var<storage, read_write> scores: array<vec4u>; // [outputs, STRIDE_QUADS] bits of f32
@group(0) @binding(2) var<storage, read_write> rows: array<u32>; // [T, 4] (sequence, position, output row, -)
@group(0) @binding(3) var<storage, read> settings: array<u32>; // [sequences, SETTINGS_WORDS]
@group(0) @binding(4) var<storage, read_write> history: array<u32>; // [sequences, POSITIONS]

const THREADS = 256u;

var<workgroup> best_key: array<u32, THREADS>;
var<workgroup> best_id: array<u32, THREADS>;

// The better of two threads' bests, the lower id among equals.
fn take(from_thread: u32, to_thread: u32) {
  let key = best_key[from_thread];
  let id = best_id[from_thread];
  if (key > best_key[to_thread] || (key == best_key[to_thread] && id < best_id[to_thread])) {
    best_key[to_thread] = key;
    best_id[to_thread] = id;
  }
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let row = rows[group.x * 4u + 2u];
  let sequence = rows[row * 4u];
  let position = rows[row * 4u + 1u];
  let ruled = (settings[sequence * SETTINGS_WORDS + FLAGS] & RULES) != 0u;
  var best = 0u;
  var id = NO_TOKEN;
  for (var quad = thread; quad < QUADS; quad += THREADS) {
    var bits = logits[group.x * STRIDE_QUADS + quad];
    if (ruled) { bits = scores[group.x * STRIDE_QUADS + quad]; }
    for (var j = 0u; j < 4u; j++) {
      let key = select(0u, key_of(bits[j]), quad * 4u + j < V);
      if (key > best) {
        best = key;
        id = quad * 4u + j;
      }
    }
  }
  best_key[thread] = best;
  best_id[thread] = id;
  workgroupBarrier();
  // Two rounds of 16, not a loop around a barrier: compilers of software adapters take longest for those.
  if (thread < 16u) {
    for (var i = thread + 16u; i < THREADS; i += 16u) { take(i, thread); }
  }
  workgroupBarrier();
  if (thread == 0u) {
    for (var i = 1u; i < 16u; i++) { take(i, 0u); }
    if (position + 1u < POSITIONS) { history[sequence * POSITIONS + position + 1u] = best_id[0]; }
    rows[row * 4u + 1u] = position + 1u;
  }
}
