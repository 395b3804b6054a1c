// provides: tile_max
// Eight threads of each row take the maximum of an eighth of its scores, then every thread that of the eight.
const STRIPES = 8u;

var<workgroup> tile_scores: array<vec4f, ROWS * KEYS>;
var<workgroup> stripe_maxima: array<vec4f, ROWS * STRIPES>;

fn tile_maximum(row: u32, thread: u32, score: vec4f) -> vec4f {
  let base = row * KEYS;
  tile_scores[base + thread] = score;
  workgroupBarrier();
  var most = score;
  if (thread < STRIPES) {
    for (var i = thread + STRIPES; i < KEYS; i += STRIPES) { most = max(most, tile_scores[base + i]); }
    stripe_maxima[row * STRIPES + thread] = most;
  }
  workgroupBarrier();
  most = stripe_maxima[row * STRIPES];
  for (var i = 1u; i < STRIPES; i++) { most = max(most, stripe_maxima[row * STRIPES + i]); }
  return most;
}
