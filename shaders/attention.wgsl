// needs: cache_read, tile_max
// Sliding-window attention of up to ROWS neighbouring rows of one sequence, for up to four query heads of one kv head:
// keys and values are read once for all of them. The keys that the rows see are split, at most as often as group.x
// has workgroups, each with a softmax of its own (flash decoding: Dao et al. 2023). How they are cut depends on their number
// alone, so that a row's result is the same whatever else is in the batch. attention_merge joins the splits; where there is
// one at most, the result is written here. Decode takes one row and many splits, prefill many rows and no split.
// A vec4f holds one number for each of the four heads, a mat4x4f one quad of a vector for each.
override HEAD_DIM: u32;
override HEAD_STRIDE: u32; // head dimension rounded up to a multiple of 4
override SCALE: f32; // 1 / sqrt(head dimension)
override N_HEADS: u32;
override N_KV_HEADS: u32;
override RING: u32; // cache slots of a sequence
override WINDOW: u32; // keys a query sees, itself included
override KEYS_PER_SPLIT: u32; // that a split has at least, unless it is the only one
override KEYS: u32 = 64u; // threads of a row, keys of a tile; at least QUADS
override ROWS: u32 = 1u;
override Y_STRIDE: u32; // elements from one row of y to the next

const MASKED = -1e30;
// Query heads of one kv head that a workgroup serves: the columns of its matrices.
const TILE_HEADS = 4u;
override QUADS: u32 = HEAD_STRIDE / 4u;
override GROUP_HEADS: u32 = N_HEADS / N_KV_HEADS;
override HEAD_TILES: u32 = (GROUP_HEADS + TILE_HEADS - 1u) / TILE_HEADS;
override LANES: u32 = KEYS / QUADS; // threads that share one quad of the output

@group(0) @binding(0) var<storage, read> q: array<vec4f>; // [T, N_HEADS, QUADS]
@group(0) @binding(1) var<storage, read> tiles: array<vec2u>; // [tiles] (first row, rows)
@group(0) @binding(4) var<storage, read_write> splits: array<vec4f>; // [T, N_HEADS, splits, QUADS] sums of p * value
@group(0) @binding(5) var<storage, read_write> stats: array<vec2f>; // [T, N_HEADS, splits] (maximum, sum of p)
@group(0) @binding(6) var<storage, read> rows: array<vec4u>; // [T] (sequence, position, -, -)
@group(0) @binding(7) var<storage, read_write> y: array<f32>; // [T, Y_STRIDE], heads one after another

var<workgroup> probs: array<vec4f, ROWS * KEYS>;
var<workgroup> q_tile: array<vec4f, ROWS * KEYS * 4u>; // [row, quad, head], at last each thread's output

fn load_queries(row: u32, base: u32, first_head: u32, last_head: u32, thread: u32) {
  for (var i = thread; i < QUADS * 4u; i += KEYS) {
    let head = min(first_head + i % 4u, last_head);
    q_tile[base + i] = q[(row * N_HEADS + head) * QUADS + i / 4u];
  }
}

struct Sums {
  output: mat4x4f,
  total: vec4f,
}

// The sums over the LANES threads that share a quad, in the first of them. All are exchanged at once: compilers of software
// adapters take seconds for each barrier more.
fn sums_of_quad(base: u32, thread: u32, output: mat4x4f, total: vec4f) -> Sums {
  var sums = Sums(output, total);
  if (LANES == 1u) { return sums; }
  let at = base + thread;
  workgroupBarrier();
  q_tile[4u * at] = output[0];
  q_tile[4u * at + 1u] = output[1];
  q_tile[4u * at + 2u] = output[2];
  q_tile[4u * at + 3u] = output[3];
  probs[at] = total;
  workgroupBarrier();
  if (thread < QUADS) {
    for (var i = 1u; i < LANES; i++) {
      let other = at + i * QUADS;
      sums.output += mat4x4f(q_tile[4u * other], q_tile[4u * other + 1u], q_tile[4u * other + 2u], q_tile[4u * other + 3u]);
      sums.total += probs[other];
    }
  }
  return sums;
}

fn store(
  row: u32, head: u32, last_head: u32,
  split: u32, most_splits: u32, quad: u32,
  maximum: f32, total: f32, sum: vec4f,
) {
  if (head > last_head) { return; }
  if (most_splits == 1u) {
    let result = sum / total;
    let at = row * Y_STRIDE + head * HEAD_DIM + quad * 4u;
    for (var i = 0u; i < 4u; i++) {
      if (quad * 4u + i < HEAD_DIM) { y[at + i] = result[i]; }
    }
    return;
  }
  let at = (row * N_HEADS + head) * most_splits + split;
  splits[at * QUADS + quad] = sum;
  if (quad == 0u) { stats[at] = vec2f(maximum, total); }
}

@compute @workgroup_size(KEYS, ROWS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) id: vec3u,
) {
  let tile = tiles[group.z];
  let kv_head = group.y / HEAD_TILES;
  let first_head = kv_head * GROUP_HEADS + (group.y % HEAD_TILES) * TILE_HEADS;
  let last_head = (kv_head + 1u) * GROUP_HEADS - 1u;
  let first_row = rows[tile.x];
  let cache = (first_row.x * N_KV_HEADS + kv_head) * RING;

  // From the first key that the first row sees to the last one of the last row.
  let end = first_row.y + tile.y;
  let visible = min(first_row.y + 1u, WINDOW) + tile.y - 1u;
  let splits_of_row = clamp((visible + KEYS_PER_SPLIT - 1u) / KEYS_PER_SPLIT, 1u, groups.x);
  if (group.x >= splits_of_row) { return; }
  let keys_of_split = (visible + splits_of_row - 1u) / splits_of_row;
  let first_key = min(end - visible + group.x * keys_of_split, end);
  let last_key = min(first_key + keys_of_split, end);

  // Threads of rows that the tile does not have repeat its last one, and store nothing.
  let row = min(id.y, tile.y - 1u);
  let position = first_row.y + row;
  let base = id.y * KEYS;
  let q_base = id.y * QUADS * 4u;
  load_queries(tile.x + row, q_base, first_head, last_head, id.x);
  let quad = id.x % QUADS;
  let lane = id.x / QUADS;
  var maximum = vec4f(MASKED);
  var total = vec4f();
  var output = mat4x4f();
  workgroupBarrier();
  for (var first = first_key; first < last_key; first += KEYS) {
    let size = min(KEYS, last_key - first);
    let key = first + id.x;
    var score = vec4f(MASKED);
    if (id.x < size && key <= position && position - key < WINDOW) {
      score = vec4f();
      let slot = cache + key % RING;
      for (var i = 0u; i < QUADS; i++) {
        let query = q_base + i * 4u;
        score += cache_key(slot, i)
          * mat4x4f(q_tile[query], q_tile[query + 1u], q_tile[query + 2u], q_tile[query + 3u]);
      }
      score *= SCALE;
    }
    let new_maximum = max(maximum, tile_maximum(id.y, id.x, score));
    // A row that has seen no key yet has a maximum of MASKED: its probs stay zero.
    probs[base + id.x] = select(exp(score - new_maximum), vec4f(), score <= vec4f(MASKED));
    let rescale = exp(maximum - new_maximum);
    maximum = new_maximum;
    workgroupBarrier();
    output = mat4x4f(output[0] * rescale.x, output[1] * rescale.y, output[2] * rescale.z, output[3] * rescale.w);
    total *= rescale;
    if (lane < LANES) {
      for (var i = lane; i < size; i += LANES) {
        let v = cache_value(cache + (first + i) % RING, quad);
        let p = probs[base + i];
        output += mat4x4f(v * p.x, v * p.y, v * p.z, v * p.w);
        total += p;
      }
    }
  }

  let sums = sums_of_quad(base, id.x, output, total);
  if (lane > 0u || id.y >= tile.y) { return; }
  store(tile.x + row, first_head, last_head, group.x, groups.x, quad, maximum.x, sums.total.x, sums.output[0]);
  store(tile.x + row, first_head + 1u, last_head, group.x, groups.x, quad, maximum.y, sums.total.y, sums.output[1]);
  store(tile.x + row, first_head + 2u, last_head, group.x, groups.x, quad, maximum.z, sums.total.z, sums.output[2]);
  store(tile.x + row, first_head + 3u, last_head, group.x, groups.x, quad, maximum.w, sums.total.w, sums.output[3]);
}
