// provides: tile_max
// LANES_OF_TILE neighbouring threads exchange their scores inside a subgroup, then every thread takes the maximum of theirs.
enable subgroups;
override LANES_OF_TILE: u32; // power of two, divides the subgroup size and KEYS

override STRIPES: u32 = KEYS / LANES_OF_TILE;
var<workgroup> stripe_maxima: array<vec4f, ROWS * STRIPES>;

fn tile_maximum(row: u32, thread: u32, score: vec4f) -> vec4f {
  var most = score;
  for (var half = LANES_OF_TILE / 2u; half > 0u; half /= 2u) { most = max(most, subgroupShuffleXor(most, half)); }
  if (thread % LANES_OF_TILE == 0u) { stripe_maxima[row * STRIPES + thread / LANES_OF_TILE] = most; }
  workgroupBarrier();
  most = stripe_maxima[row * STRIPES];
  for (var i = 1u; i < STRIPES; i++) { most = max(most, stripe_maxima[row * STRIPES + i]); }
  return most;
}
