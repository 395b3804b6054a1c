// needs: sampler_math
// The candidates that a small top_k can leave, one workgroup for each output. The k-th best of the threads' own bests is
// a bound: k candidates reach it at least, and seldom many more. Also the best of all, for requests that do not draw.
override V: u32; // ids that may be chosen
override STRIDE: u32; // elements from one row of logits to the next
override LIST: u32; // candidates that the list holds

@group(0) @binding(0) var<storage, read> logits: array<u32>; // [outputs, STRIDE] bits of f32
@group(0) @binding(1) var<storage, read> scores: array<u32>; // [outputs, STRIDE] bits of f32
@group(0) @binding(2) var<storage, read> rows: array<u32>; // [T, 4] (sequence, position, output row, -)
@group(0) @binding(3) var<storage, read> settings: array<u32>; // [sequences, SETTINGS_WORDS]
@group(0) @binding(4) var<storage, read_write> shortlist: array<u32>; // [outputs, SHORTLIST_HEAD + 2 LIST] count, best key and id, sequence, position, row; ids; keys

const THREADS = 256u;

var<workgroup> own_best: array<u32, THREADS>;
var<workgroup> own_id: array<u32, THREADS>;
var<workgroup> bound: u32;
var<workgroup> length: atomic<u32>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let row = rows[group.x * 4u + 2u];
  let sequence = rows[row * 4u];
  let at = sequence * SETTINGS_WORDS;
  let ruled = (settings[at + FLAGS] & RULES) != 0u;
  let sampling = (settings[at + FLAGS] & SAMPLE) != 0u;
  let divisor = select(ONE, settings[at + TEMPERATURE], sampling);
  let k = select(1u, settings[at + TOP_K], sampling);
  let first = group.x * STRIDE;

  var best = 0u;
  var id = NO_TOKEN;
  for (var i = thread; i < V; i += THREADS) {
    var bits = logits[first + i];
    if (ruled) { bits = scores[first + i]; }
    let key = key_of(bits);
    if (key > best) {
      best = key;
      id = i;
    }
  }
  own_best[thread] = best;
  own_id[thread] = id;
  workgroupBarrier();
  var better = 0u;
  var top = best;
  var top_id = id;
  for (var i = 0u; i < THREADS; i++) {
    let other = own_best[i];
    if (other > best || (other == best && i < thread)) { better++; }
    if (other > top || (other == top && own_id[i] < top_id)) {
      top = other;
      top_id = own_id[i];
    }
  }
  if (better == k - 1u) { bound = best; }
  workgroupBarrier();
  // In the order of temperature: dividing keeps the order, but may make two scores equal.
  let least = max(key_of(divide(bits_of(max(bound, 1u)), divisor)), 1u);
  let lists = group.x * (SHORTLIST_HEAD + 2u * LIST);
  if (sampling) {
    for (var i = thread; i < V; i += THREADS) {
      var bits = logits[first + i];
      if (ruled) { bits = scores[first + i]; }
      let key = key_of(bits);
      // Two scores that become equal are neighbours: no need to divide what is far below.
      if (key == 0u || key + 64u < bound) { continue; }
      let scaled = key_of(divide(bits, divisor));
      if (scaled < least) { continue; }
      let place = atomicAdd(&length, 1u);
      if (place < LIST) {
        shortlist[lists + SHORTLIST_HEAD + place] = i;
        shortlist[lists + SHORTLIST_HEAD + LIST + place] = scaled;
      }
    }
  }
  workgroupBarrier();
  if (thread == 0u) {
    shortlist[lists] = atomicLoad(&length);
    shortlist[lists + 1u] = key_of(divide(bits_of(max(top, 1u)), divisor));
    shortlist[lists + 2u] = top_id;
    shortlist[lists + 3u] = sequence;
    shortlist[lists + 4u] = rows[row * 4u + 1u];
    shortlist[lists + 5u] = row;
  }
}
