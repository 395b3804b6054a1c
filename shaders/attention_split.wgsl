// needs: cache_read
// Decode attention, first half (flash decoding: Dao et al. 2023). The keys that a row sees are cut in as many parts as
// group.x has workgroups; each makes a softmax of its own over its part for up to four query heads of one kv head, so
// that keys and values are read once for the four. attention_merge joins the parts.
// A mat4x4f holds one vector quad for each of the four heads, a vec4f one number for each.
override HEAD_DIM: u32;
override HEAD_STRIDE: u32; // HEAD_DIM rounded up to a multiple of 4
override N_HEADS: u32;
override N_KV_HEADS: u32;
override RING: u32; // cache slots of a sequence
override WINDOW: u32; // keys a query sees, itself included
override WORKGROUP: u32 = 64u; // at least QUADS

const MASKED = -1e30;
override QUADS: u32 = HEAD_STRIDE / 4u;
override GROUP_HEADS: u32 = N_HEADS / N_KV_HEADS;
override HEAD_TILES: u32 = (GROUP_HEADS + 3u) / 4u;
override LANES: u32 = WORKGROUP / QUADS; // threads that share one quad of the output

@group(0) @binding(0) var<storage, read> q: array<vec4f>; // [T, N_HEADS, QUADS]
@group(0) @binding(1) var<storage, read> rows: array<vec4u>; // [T] (sequence, position, -, parts)
@group(0) @binding(4) var<storage, read_write> parts: array<vec4f>; // [T, N_HEADS, parts, QUADS] sums of p * value
@group(0) @binding(5) var<storage, read_write> stats: array<vec2f>; // [T, N_HEADS, parts] (maximum, sum of p)

var<workgroup> q_tile: array<vec4f, QUADS * 4u>; // [QUADS, 4]
var<workgroup> scores: array<vec4f, WORKGROUP>;
var<workgroup> weights: array<vec4f, WORKGROUP>;
var<workgroup> sums: array<vec4f, WORKGROUP * 4u>;

fn load_queries(row: u32, first_head: u32, last_head: u32, thread: u32) {
  for (var i = thread; i < QUADS * 4u; i += WORKGROUP) {
    let head = min(first_head + i % 4u, last_head);
    q_tile[i] = q[(row * N_HEADS + head) * QUADS + i / 4u];
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = group.z;
  let kv_head = group.y / HEAD_TILES;
  let first_head = kv_head * GROUP_HEADS + (group.y % HEAD_TILES) * 4u;
  let last_head = (kv_head + 1u) * GROUP_HEADS - 1u;
  let position = rows[row].y;
  let cache = (rows[row].x * N_KV_HEADS + kv_head) * RING;

  let visible = min(position + 1u, WINDOW);
  let part = (visible + groups.x - 1u) / groups.x;
  let end = position + 1u;
  let first_key = min(end - visible + group.x * part, end);
  let last_key = min(first_key + part, end);

  load_queries(row, first_head, last_head, thread);
  let quad = thread % QUADS;
  let lane = thread / QUADS;
  var maximum = vec4f(MASKED);
  var total = vec4f();
  var output = mat4x4f();
  workgroupBarrier();
  for (var tile = first_key; tile < last_key; tile += WORKGROUP) {
    let size = min(WORKGROUP, last_key - tile);
    var score = vec4f(MASKED);
    if (thread < size) {
      score = vec4f();
      let at = (cache + (tile + thread) % RING) * QUADS;
      for (var i = 0u; i < QUADS; i++) {
        score += cache_key(at + i) * mat4x4f(q_tile[4u * i], q_tile[4u * i + 1u], q_tile[4u * i + 2u], q_tile[4u * i + 3u]);
      }
      score *= inverseSqrt(f32(HEAD_DIM));
    }
    scores[thread] = score;
    workgroupBarrier();
    var new_maximum = maximum;
    for (var i = 0u; i < size; i++) { new_maximum = max(new_maximum, scores[i]); }
    let rescale = exp(maximum - new_maximum);
    maximum = new_maximum;
    weights[thread] = exp(score - maximum);
    workgroupBarrier();
    output = mat4x4f(output[0] * rescale.x, output[1] * rescale.y, output[2] * rescale.z, output[3] * rescale.w);
    total *= rescale;
    if (lane < LANES) {
      for (var i = lane; i < size; i += LANES) {
        let v = cache_value((cache + (tile + i) % RING) * QUADS + quad);
        let p = weights[i];
        output += mat4x4f(v * p.x, v * p.y, v * p.z, v * p.w);
        total += p;
      }
    }
  }

  // Join the lanes of each quad.
  for (var head = 0u; head < 4u; head++) { sums[head * WORKGROUP + thread] = output[head]; }
  scores[thread] = total;
  workgroupBarrier();
  for (var i = thread; i < QUADS * 4u; i += WORKGROUP) {
    let head = i / QUADS;
    if (first_head + head <= last_head) {
      var sum = vec4f();
      for (var other = 0u; other < LANES; other++) { sum += sums[head * WORKGROUP + other * QUADS + i % QUADS]; }
      parts[((row * N_HEADS + first_head + head) * groups.x + group.x) * QUADS + i % QUADS] = sum;
    }
  }
  if (thread < 4u && first_head + thread <= last_head) {
    var sum = 0.0;
    for (var other = 0u; other < LANES; other++) { sum += scores[other * QUADS][thread]; }
    stats[(row * N_HEADS + first_head + thread) * groups.x + group.x] = vec2f(maximum[thread], sum);
  }
}
