// needs: sampler_math
// The candidates that a small top_k can leave, one workgroup for each output. The k-th best of the bests that pairs of
// threads find is a bound: k candidates reach it at least, and seldom many more. Also the best of all, for requests that do not draw.
override V: u32; // ids that may be chosen
override QUADS: u32; // V / 4, rounded up
override STRIDE_QUADS: u32; // quads from one row of logits to the next
override LIST: u32; // candidates that the list holds

@group(0) @binding(0) var<storage, read> logits: array<vec4u>; // [outputs, STRIDE_QUADS] bits of f32
@group(0) @binding(1) var<storage, read> scores: array<vec4u>; // [outputs, STRIDE_QUADS] bits of f32
@group(0) @binding(2) var<storage, read> rows: array<u32>; // [T, 4] (sequence, position, output row, -)
@group(0) @binding(3) var<storage, read> settings: array<u32>; // [sequences, SETTINGS_WORDS]
@group(0) @binding(4) var<storage, read_write> shortlist: array<u32>; // [outputs, SHORTLIST_HEAD + 2 LIST] count, best key and id, sequence, position, row; ids; keys

const THREADS = 256u;
const PAIRS = 128u;

var<workgroup> own_best: array<u32, THREADS>;
var<workgroup> own_id: array<u32, THREADS>;
var<workgroup> bound: u32;
var<workgroup> best_of_all: vec2u; // key, id
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
  let first = group.x * STRIDE_QUADS;

  var best = 0u;
  var id = NO_TOKEN;
  for (var quad = thread; quad < QUADS; quad += THREADS) {
    var bits = logits[first + quad];
    if (ruled) { bits = scores[first + quad]; }
    for (var j = 0u; j < 4u; j++) {
      let key = select(0u, key_of(bits[j]), quad * 4u + j < V);
      if (key > best) {
        best = key;
        id = quad * 4u + j;
      }
    }
  }
  own_best[thread] = best;
  own_id[thread] = id;
  workgroupBarrier();
  if (thread < PAIRS) {
    let other = own_best[thread + PAIRS];
    let other_id = own_id[thread + PAIRS];
    if (other > best || (other == best && other_id < id)) {
      best = other;
      id = other_id;
    }
    own_best[thread] = best;
    own_id[thread] = id;
  }
  workgroupBarrier();
  if (thread < PAIRS) {
    var better = 0u;
    for (var i = 0u; i < PAIRS; i++) {
      let other = own_best[i];
      if (other > best || (other == best && own_id[i] < id)) { better++; }
    }
    if (better == 0u) { best_of_all = vec2u(best, id); }
    if (better == k - 1u) { bound = best; }
  }
  workgroupBarrier();
  // In the order of temperature: dividing keeps the order, but may make two scores equal.
  let least = max(key_of(divide(bits_of(max(bound, 1u)), divisor)), 1u);
  // Two scores that become equal are neighbours: no need to divide what is far below.
  let near = max(bound, 65u) - 64u;
  let lists = group.x * (SHORTLIST_HEAD + 2u * LIST);
  if (sampling) {
    for (var quad = thread; quad < QUADS; quad += THREADS) {
      var bits = logits[first + quad];
      if (ruled) { bits = scores[first + quad]; }
      for (var j = 0u; j < 4u; j++) {
        if (quad * 4u + j >= V || key_of(bits[j]) < near) { continue; }
        let scaled = key_of(divide(bits[j], divisor));
        if (scaled < least) { continue; }
        let place = atomicAdd(&length, 1u);
        if (place < LIST) {
          shortlist[lists + SHORTLIST_HEAD + place] = quad * 4u + j;
          shortlist[lists + SHORTLIST_HEAD + LIST + place] = scaled;
        }
      }
    }
  }
  workgroupBarrier();
  if (thread == 0u) {
    shortlist[lists] = atomicLoad(&length);
    shortlist[lists + 1u] = key_of(divide(bits_of(max(best_of_all.x, 1u)), divisor));
    shortlist[lists + 2u] = best_of_all.y;
    shortlist[lists + 3u] = sequence;
    shortlist[lists + 4u] = rows[row * 4u + 1u];
    shortlist[lists + 5u] = row;
  }
}
