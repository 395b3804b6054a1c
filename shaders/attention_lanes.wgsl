// needs: cache_pairs
// Sliding-window attention of one row for up to four query heads of one kv head, by one subgroup alone: no workgroup memory
// and no barrier, which cost software adapters more than the arithmetic. For the scores a lane takes four keys, for the sums
// two or more quads of the output, and what the others have comes by subgroup operations: each key, value and query is loaded
// by one lane once. Splits and their results are those of attention.
// A vec4f holds one number for each of the four heads, a mat4x4f one quad of a vector for each.
enable subgroups;

override HEAD_DIM: u32; // a multiple of 8, at most 32 * LANES
override SCALE: f32; // 1 / sqrt(head dimension)
override N_HEADS: u32;
override N_KV_HEADS: u32;
override RING: u32; // cache slots of a sequence
override WINDOW: u32; // keys a query sees, itself included
override KEYS_PER_SPLIT: u32; // that a split has at least, unless it is the only one
override LANES: u32; // 4 or 8
override Y_STRIDE: u32; // elements from one row of y to the next

const MASKED = -1e30;
const LANE_HEADS = 4u; // query heads of one kv head that a workgroup serves
override QUADS: u32 = HEAD_DIM / 4u;
override PAIRS: u32 = HEAD_DIM / 8u; // of quads
override GROUP_HEADS: u32 = N_HEADS / N_KV_HEADS;
override HEAD_TILES: u32 = (GROUP_HEADS + LANE_HEADS - 1u) / LANE_HEADS;
override BLOCK: u32 = 4u * LANES; // keys at a time

@group(0) @binding(0) var<storage, read> q: array<vec4f>; // [T, N_HEADS, QUADS]
@group(0) @binding(1) var<storage, read> tiles: array<vec2u>; // [tiles] (row, 1)
@group(0) @binding(4) var<storage, read_write> splits: array<vec4f>; // [T, N_HEADS, splits, QUADS] sums of p * value
@group(0) @binding(5) var<storage, read_write> stats: array<vec2f>; // [T, N_HEADS, splits] (maximum, sum of p)
@group(0) @binding(6) var<storage, read> rows: array<vec4u>; // [T] (sequence, position, -, -)
@group(0) @binding(7) var<storage, read_write> y: array<vec4f>; // [T, Y_STRIDE / 4], heads one after another

// Where four keys or values lie, LANES slots from one to the next: `offset` slots after one that lies in the ring.
// Those beyond `size` are the last one again.
fn slots_at(cache: u32, first_slot: u32, offset: u32, size: u32) -> vec4u {
  let offsets = min(vec4u(offset) + vec4u(0u, 1u, 2u, 3u) * LANES, vec4u(size - 1u));
  let slots = vec4u(first_slot) + offsets;
  return vec4u(cache) + select(slots, slots - vec4u(RING), slots >= vec4u(RING));
}

fn max_over_lanes(value: vec4f) -> vec4f {
  var most = max(value, subgroupShuffleXor(value, 1u));
  most = max(most, subgroupShuffleXor(most, 2u));
  if (LANES == 8u) { most = max(most, subgroupShuffleXor(most, 4u)); }
  return most;
}

fn sum_over_lanes(value: vec4f) -> vec4f {
  var sum = value + subgroupShuffleXor(value, 1u);
  sum += subgroupShuffleXor(sum, 2u);
  if (LANES == 8u) { sum += subgroupShuffleXor(sum, 4u); }
  return sum;
}

// Where a lane finds the first quad that it loads of the queries: with eight lanes each has every other quad of a head.
fn query_of_lane(row: u32, first_head: u32, last_head: u32, lane: u32) -> u32 {
  let head = min(first_head + select(lane, lane / 2u, LANES == 8u), last_head);
  return (row * N_HEADS + head) * QUADS + select(0u, lane % 2u, LANES == 8u);
}

// The products of the queries of four heads with four keys of this lane, a column for each key.
fn scores_of(query_at: u32, keys: vec4u) -> mat4x4f {
  var scores = mat4x4f();
  for (var i = 0u; i < PAIRS; i++) {
    let query = q[query_at + 2u * i];
    var low: mat4x4f;
    var high: mat4x4f;
    if (LANES == 8u) {
      low = mat4x4f(
        subgroupBroadcast(query, 0u), subgroupBroadcast(query, 2u),
        subgroupBroadcast(query, 4u), subgroupBroadcast(query, 6u),
      );
      high = mat4x4f(
        subgroupBroadcast(query, 1u), subgroupBroadcast(query, 3u),
        subgroupBroadcast(query, 5u), subgroupBroadcast(query, 7u),
      );
    } else {
      let next = q[query_at + 2u * i + 1u];
      low = mat4x4f(
        subgroupBroadcast(query, 0u), subgroupBroadcast(query, 1u),
        subgroupBroadcast(query, 2u), subgroupBroadcast(query, 3u),
      );
      high = mat4x4f(
        subgroupBroadcast(next, 0u), subgroupBroadcast(next, 1u),
        subgroupBroadcast(next, 2u), subgroupBroadcast(next, 3u),
      );
    }
    let k0 = cache_key_pair(keys.x, i);
    let k1 = cache_key_pair(keys.y, i);
    let k2 = cache_key_pair(keys.z, i);
    let k3 = cache_key_pair(keys.w, i);
    scores[0] += k0[0] * low + k0[1] * high;
    scores[1] += k1[0] * low + k1[1] * high;
    scores[2] += k2[0] * low + k2[1] * high;
    scores[3] += k3[0] * low + k3[1] * high;
  }
  return scores;
}

fn outer(value: vec4f, p: vec4f) -> mat4x4f {
  return mat4x4f(value * p.x, value * p.y, value * p.z, value * p.w);
}

fn scaled(sums: mat4x4f, by: vec4f) -> mat4x4f {
  return mat4x4f(sums[0] * by.x, sums[1] * by.y, sums[2] * by.z, sums[3] * by.w);
}

// Adds four values, weighted, to the sums of two quads.
fn add_values(low: ptr<function, mat4x4f>, high: ptr<function, mat4x4f>, values: vec4u, pair: u32, p: mat4x4f) {
  let mine = min(pair, PAIRS - 1u);
  let v0 = cache_value_pair(values.x, mine);
  let v1 = cache_value_pair(values.y, mine);
  let v2 = cache_value_pair(values.z, mine);
  let v3 = cache_value_pair(values.w, mine);
  *low += outer(v0[0], p[0]);
  *high += outer(v0[1], p[0]);
  *low += outer(v1[0], p[1]);
  *high += outer(v1[1], p[1]);
  *low += outer(v2[0], p[2]);
  *high += outer(v2[1], p[2]);
  *low += outer(v3[0], p[3]);
  *high += outer(v3[1], p[3]);
}

// Where the sums of a workgroup go.
struct Place {
  row: u32,
  first_head: u32,
  last_head: u32,
  split: u32,
  most_splits: u32,
}

fn store_quad(place: Place, quad: u32, sums: mat4x4f, total: vec4f) {
  if (quad >= QUADS) { return; }
  for (var i = 0u; i < LANE_HEADS; i++) {
    let head = place.first_head + i;
    if (head > place.last_head) { return; }
    if (place.most_splits == 1u) {
      y[place.row * (Y_STRIDE / 4u) + head * QUADS + quad] = sums[i] / total[i];
    } else {
      splits[((place.row * N_HEADS + head) * place.most_splits + place.split) * QUADS + quad] = sums[i];
    }
  }
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = tiles[group.z].x;
  let kv_head = group.y / HEAD_TILES;
  let first_head = kv_head * GROUP_HEADS + (group.y % HEAD_TILES) * LANE_HEADS;
  let place = Place(row, first_head, (kv_head + 1u) * GROUP_HEADS - 1u, group.x, groups.x);
  let cache = (rows[row].x * N_KV_HEADS + kv_head) * RING;
  let end = rows[row].y + 1u;
  let visible = min(end, WINDOW);
  let splits_of_row = clamp((visible + KEYS_PER_SPLIT - 1u) / KEYS_PER_SPLIT, 1u, groups.x);
  if (group.x >= splits_of_row) { return; }
  let keys_of_split = (visible + splits_of_row - 1u) / splits_of_row;
  let first_key = min(end - visible + group.x * keys_of_split, end);
  let last_key = min(first_key + keys_of_split, end);

  let query = query_of_lane(row, first_head, place.last_head, lane);
  var maximum = vec4f(MASKED);
  var total = vec4f();
  // A lane has up to four pairs of quads of the output.
  var low0 = mat4x4f();
  var high0 = mat4x4f();
  var low1 = mat4x4f();
  var high1 = mat4x4f();
  var low2 = mat4x4f();
  var high2 = mat4x4f();
  var low3 = mat4x4f();
  var high3 = mat4x4f();
  for (var first = first_key; first < last_key; first += BLOCK) {
    let size = min(BLOCK, last_key - first);
    let slot = first % RING;
    let scores = scores_of(query, slots_at(cache, slot, lane, size));
    let s0 = select(vec4f(MASKED), scores[0] * SCALE, lane < size);
    let s1 = select(vec4f(MASKED), scores[1] * SCALE, lane + LANES < size);
    let s2 = select(vec4f(MASKED), scores[2] * SCALE, lane + 2u * LANES < size);
    let s3 = select(vec4f(MASKED), scores[3] * SCALE, lane + 3u * LANES < size);
    let new_maximum = max(maximum, max_over_lanes(max(max(s0, s1), max(s2, s3))));
    let rescale = exp(maximum - new_maximum);
    maximum = new_maximum;
    // Beside a maximum of keys that are there, the p of those that are not is zero.
    let p0 = exp(s0 - maximum);
    let p1 = exp(s1 - maximum);
    let p2 = exp(s2 - maximum);
    let p3 = exp(s3 - maximum);
    total = total * rescale + (p0 + p1) + (p2 + p3);
    low0 = scaled(low0, rescale);
    high0 = scaled(high0, rescale);
    if (PAIRS > LANES) { low1 = scaled(low1, rescale); high1 = scaled(high1, rescale); }
    if (PAIRS > 2u * LANES) { low2 = scaled(low2, rescale); high2 = scaled(high2, rescale); }
    if (PAIRS > 3u * LANES) { low3 = scaled(low3, rescale); high3 = scaled(high3, rescale); }
    for (var i = 0u; i < LANES; i++) {
      let p = mat4x4f(
        subgroupShuffle(p0, i), subgroupShuffle(p1, i),
        subgroupShuffle(p2, i), subgroupShuffle(p3, i),
      );
      let values = slots_at(cache, slot, i, size);
      add_values(&low0, &high0, values, lane, p);
      if (PAIRS > LANES) { add_values(&low1, &high1, values, lane + LANES, p); }
      if (PAIRS > 2u * LANES) { add_values(&low2, &high2, values, lane + 2u * LANES, p); }
      if (PAIRS > 3u * LANES) { add_values(&low3, &high3, values, lane + 3u * LANES, p); }
    }
  }

  let all = sum_over_lanes(total);
  store_quad(place, 2u * lane, low0, all);
  store_quad(place, 2u * lane + 1u, high0, all);
  if (PAIRS > LANES) {
    store_quad(place, 2u * (lane + LANES), low1, all);
    store_quad(place, 2u * (lane + LANES) + 1u, high1, all);
  }
  if (PAIRS > 2u * LANES) {
    store_quad(place, 2u * (lane + 2u * LANES), low2, all);
    store_quad(place, 2u * (lane + 2u * LANES) + 1u, high2, all);
  }
  if (PAIRS > 3u * LANES) {
    store_quad(place, 2u * (lane + 3u * LANES), low3, all);
    store_quad(place, 2u * (lane + 3u * LANES) + 1u, high3, all);
  }
  if (groups.x > 1u && lane < LANE_HEADS && first_head + lane <= place.last_head) {
    stats[(row * N_HEADS + first_head + lane) * groups.x + group.x] = vec2f(maximum[lane], all[lane]);
  }
}
