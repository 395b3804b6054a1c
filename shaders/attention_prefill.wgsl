// needs: cache_read
// Prefill attention: as attention_split without the splitting, for up to four neighbouring rows of one sequence at a
// time, so that keys and values are read once for four rows x four heads (FlashAttention: Dao et al. 2022).
// A mat4x4f holds one vector quad for each of the four heads, a vec4f one number for each; the suffix is the row.
override HEAD_DIM: u32;
override HEAD_STRIDE: u32; // HEAD_DIM rounded up to a multiple of 4
override N_HEADS: u32;
override N_KV_HEADS: u32;
override RING: u32; // cache slots of a sequence
override WINDOW: u32; // keys a query sees, itself included
override Y_STRIDE: u32; // elements from one row of y to the next
override WORKGROUP: u32 = 64u; // at least QUADS

const MASKED = -1e30;
override QUADS: u32 = HEAD_STRIDE / 4u;
override GROUP_HEADS: u32 = N_HEADS / N_KV_HEADS;
override HEAD_TILES: u32 = (GROUP_HEADS + 3u) / 4u;
override LANES: u32 = WORKGROUP / QUADS; // threads that share one quad of the output

@group(0) @binding(0) var<storage, read> q: array<vec4f>; // [T, N_HEADS, QUADS]
@group(0) @binding(1) var<storage, read> tiles: array<vec4u>; // [tiles] (first row, rows, sequence, first position)
@group(0) @binding(4) var<storage, read_write> y: array<f32>; // [T, Y_STRIDE], heads one after another

var<workgroup> q_tile: array<vec4f, QUADS * 16u>; // [row, QUADS, head]
var<workgroup> scores: array<vec4f, WORKGROUP * 4u>; // [row, key]; at the end [head, thread]
var<workgroup> weights: array<vec4f, WORKGROUP * 4u>; // [row, key]; at the end [thread]

fn query(row: u32, quad: u32) -> mat4x4f {
  let at = (row * QUADS + quad) * 4u;
  return mat4x4f(q_tile[at], q_tile[at + 1u], q_tile[at + 2u], q_tile[at + 3u]);
}

fn load_queries(tile: vec4u, first_head: u32, last_head: u32, thread: u32) {
  for (var i = thread; i < QUADS * 16u; i += WORKGROUP) {
    let row = tile.x + min(i / (QUADS * 4u), tile.y - 1u);
    let head = min(first_head + i % 4u, last_head);
    q_tile[i] = q[(row * N_HEADS + head) * QUADS + (i / 4u) % QUADS];
  }
}

fn mask(score: vec4f, position: u32, key: u32) -> vec4f {
  return select(vec4f(MASKED), score * inverseSqrt(f32(HEAD_DIM)), key <= position && position - key < WINDOW);
}

fn tile_maximum(row: u32, size: u32, start: vec4f) -> vec4f {
  var result = start;
  for (var i = 0u; i < size; i++) { result = max(result, scores[row * WORKGROUP + i]); }
  return result;
}

// A row that sees no key of this tile, nor of any before, keeps weights of zero.
fn weight(score: vec4f, maximum: vec4f) -> vec4f {
  return select(exp(score - maximum), vec4f(), score <= vec4f(MASKED));
}

fn scale_heads(heads: mat4x4f, by: vec4f) -> mat4x4f {
  return mat4x4f(heads[0] * by.x, heads[1] * by.y, heads[2] * by.z, heads[3] * by.w);
}

fn outer(value: vec4f, by: vec4f) -> mat4x4f {
  return mat4x4f(value * by.x, value * by.y, value * by.z, value * by.w);
}

// Joins the lanes of each quad and stores one row.
fn store(row: u32, first_head: u32, last_head: u32, thread: u32, total: vec4f, output: mat4x4f) {
  workgroupBarrier();
  for (var head = 0u; head < 4u; head++) { scores[head * WORKGROUP + thread] = output[head]; }
  weights[thread] = total;
  workgroupBarrier();
  for (var i = thread; i < QUADS * 4u; i += WORKGROUP) {
    let head = i / QUADS;
    if (first_head + head > last_head) { continue; }
    var sum = vec4f();
    var divisor = 0.0;
    for (var other = 0u; other < LANES; other++) {
      sum += scores[head * WORKGROUP + other * QUADS + i % QUADS];
      divisor += weights[other * QUADS][head];
    }
    sum /= divisor;
    let first = (i % QUADS) * 4u;
    for (var j = 0u; j < 4u; j++) {
      if (first + j < HEAD_DIM) { y[row * Y_STRIDE + (first_head + head) * HEAD_DIM + first + j] = sum[j]; }
    }
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let rows = tiles[group.x];
  let kv_head = group.y / HEAD_TILES;
  let first_head = kv_head * GROUP_HEADS + (group.y % HEAD_TILES) * 4u;
  let last_head = (kv_head + 1u) * GROUP_HEADS - 1u;
  let position = rows.w;
  let cache = (rows.z * N_KV_HEADS + kv_head) * RING;
  let first_key = position + 1u - min(position + 1u, WINDOW);
  let last_key = position + rows.y;

  load_queries(rows, first_head, last_head, thread);
  let quad = thread % QUADS;
  let lane = thread / QUADS;
  var max0 = vec4f(MASKED);
  var max1 = vec4f(MASKED);
  var max2 = vec4f(MASKED);
  var max3 = vec4f(MASKED);
  var total0 = vec4f();
  var total1 = vec4f();
  var total2 = vec4f();
  var total3 = vec4f();
  var output0 = mat4x4f();
  var output1 = mat4x4f();
  var output2 = mat4x4f();
  var output3 = mat4x4f();
  workgroupBarrier();
  for (var tile = first_key; tile < last_key; tile += WORKGROUP) {
    let size = min(WORKGROUP, last_key - tile);
    let key = tile + thread;
    var score0 = vec4f();
    var score1 = vec4f();
    var score2 = vec4f();
    var score3 = vec4f();
    if (thread < size) {
      let at = (cache + key % RING) * QUADS;
      for (var i = 0u; i < QUADS; i++) {
        let k = cache_key(at + i);
        score0 += k * query(0u, i);
        score1 += k * query(1u, i);
        score2 += k * query(2u, i);
        score3 += k * query(3u, i);
      }
    }
    score0 = mask(score0, position, key);
    score1 = mask(score1, position + 1u, key);
    score2 = mask(score2, position + 2u, key);
    score3 = mask(score3, position + 3u, key);
    scores[thread] = score0;
    scores[WORKGROUP + thread] = score1;
    scores[2u * WORKGROUP + thread] = score2;
    scores[3u * WORKGROUP + thread] = score3;
    workgroupBarrier();
    let new0 = tile_maximum(0u, size, max0);
    let new1 = tile_maximum(1u, size, max1);
    let new2 = tile_maximum(2u, size, max2);
    let new3 = tile_maximum(3u, size, max3);
    weights[thread] = weight(score0, new0);
    weights[WORKGROUP + thread] = weight(score1, new1);
    weights[2u * WORKGROUP + thread] = weight(score2, new2);
    weights[3u * WORKGROUP + thread] = weight(score3, new3);
    workgroupBarrier();
    output0 = scale_heads(output0, exp(max0 - new0));
    output1 = scale_heads(output1, exp(max1 - new1));
    output2 = scale_heads(output2, exp(max2 - new2));
    output3 = scale_heads(output3, exp(max3 - new3));
    total0 *= exp(max0 - new0);
    total1 *= exp(max1 - new1);
    total2 *= exp(max2 - new2);
    total3 *= exp(max3 - new3);
    max0 = new0;
    max1 = new1;
    max2 = new2;
    max3 = new3;
    if (lane < LANES) {
      for (var i = lane; i < size; i += LANES) {
        let v = cache_value((cache + (tile + i) % RING) * QUADS + quad);
        let p0 = weights[i];
        let p1 = weights[WORKGROUP + i];
        let p2 = weights[2u * WORKGROUP + i];
        let p3 = weights[3u * WORKGROUP + i];
        output0 += outer(v, p0);
        output1 += outer(v, p1);
        output2 += outer(v, p2);
        output3 += outer(v, p3);
        total0 += p0;
        total1 += p1;
        total2 += p2;
        total3 += p3;
      }
    }
  }
  store(rows.x, first_head, last_head, thread, total0, output0);
  if (rows.y > 1u) { store(rows.x + 1u, first_head, last_head, thread, total1, output1); }
  if (rows.y > 2u) { store(rows.x + 2u, first_head, last_head, thread, total2, output2); }
  if (rows.y > 3u) { store(rows.x + 3u, first_head, last_head, thread, total3, output3); }
}
