// needs: sampler_math
// What log-probabilities are made of, for outputs whose request asked: the raw logits of the token just chosen and of the best
// ones, the best of all, and the sum of all weights, which are the sampler's integers: so it is the same on every adapter,
// and equal to src/sampling/exact-logprobs.ts. It runs after the choice, which has moved the row's position on to the chosen token. The best are found as
// shortlist.wgsl finds candidates: the k-th of the threads' own bests bounds them from below.
override V: u32; // ids that count
override QUADS: u32; // V / 4, rounded up
override STRIDE_QUADS: u32; // quads from one row of logits to the next
override POSITIONS: u32; // tokens that the history of a sequence holds

@group(0) @binding(0) var<storage, read> logits: array<vec4u>; // [outputs, STRIDE_QUADS] bits of f32
@group(0) @binding(1) var<storage, read> rows: array<vec4u>; // [T] (sequence, position, output row, -)
@group(0) @binding(2) var<storage, read> settings: array<u32>; // [sequences, SETTINGS_WORDS]
@group(0) @binding(3) var<storage, read> history: array<u32>; // [sequences, POSITIONS]
@group(0) @binding(4) var<storage, read_write> logprobs: array<u32>; // [sequences, STEPS, HEAD + 2 MOST] id, f32, best f32, sum (low, high), ids, f32s

const THREADS = 256u;
const LIST = 512u;
const STEPS = 64u;
const MOST = 20u;
const HEAD = 5u; // words of a step before those of the best

var<workgroup> top_shared: atomic<u32>;
var<workgroup> own_best: array<u32, THREADS>;
var<workgroup> partial: array<vec2u, THREADS>; // sums of weights
var<workgroup> bound: u32;
var<workgroup> list_length: atomic<u32>;
var<workgroup> length_shared: u32;
var<workgroup> list_id: array<u32, LIST>;
var<workgroup> list_key: array<u32, LIST>;
var<workgroup> round_key: atomic<u32>;
var<workgroup> round_id: atomic<u32>; // inverted

var<private> thread: u32;
var<private> first_quad: u32;
var<private> first_word: u32; // of this step in `logprobs`
var<private> top: u32; // the best key

fn load(quad: u32) -> vec4u {
  let bits = logits[first_quad + quad];
  var keys: vec4u;
  for (var j = 0u; j < 4u; j++) { keys[j] = select(0u, key_of(bits[j]), quad * 4u + j < V); }
  return keys;
}

fn logit(key: u32) -> u32 {
  return select(bits_of(key), 0xff800000u, key == 0u);
}

fn put(rank: u32, id: u32, key: u32) {
  logprobs[first_word + HEAD + rank] = id;
  logprobs[first_word + HEAD + MOST + rank] = logit(key);
}

fn find_bests() {
  var best = 0u;
  for (var quad = thread; quad < QUADS; quad += THREADS) {
    let keys = load(quad);
    best = max(best, max(max(keys.x, keys.y), max(keys.z, keys.w)));
  }
  own_best[thread] = best;
  atomicMax(&top_shared, best);
  workgroupBarrier();
  top = atomicLoad(&top_shared);
}

fn find_sum(zero: u32) {
  // Sums of the halves of words do not overflow.
  var halves_low = 0u;
  var halves_high = 0u;
  for (var quad = thread; quad < QUADS; quad += THREADS) {
    let keys = load(quad);
    for (var j = 0u; j < 4u; j++) {
      let weight = weight_of(keys[j], top, zero);
      halves_low += select(weight & 0xffffu, 0u, keys[j] == 0u);
      halves_high += select(weight >> 16u, 0u, keys[j] == 0u);
    }
  }
  partial[thread] = add64(vec2u(halves_high << 16u, halves_high >> 16u), vec2u(halves_low, 0u));
  for (var half = THREADS / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { partial[thread] = add64(partial[thread], partial[thread + half]); }
  }
}

// True when all candidates at or above the bound are in the list.
fn list_best(count: u32) -> bool {
  let mine = own_best[thread];
  var better = 0u;
  for (var i = 0u; i < THREADS; i++) {
    let other = own_best[i];
    if (other > mine || (other == mine && i < thread)) { better++; }
  }
  if (better == count - 1u) { bound = max(mine, 1u); }
  workgroupBarrier();
  for (var quad = thread; quad < QUADS; quad += THREADS) {
    let keys = load(quad);
    for (var j = 0u; j < 4u; j++) {
      if (keys[j] < bound || atomicLoad(&list_length) > LIST) { continue; }
      let at = atomicAdd(&list_length, 1u);
      if (at < LIST) {
        list_id[at] = quad * 4u + j;
        list_key[at] = keys[j];
      }
    }
  }
  workgroupBarrier();
  if (thread == 0u) { length_shared = atomicLoad(&list_length); }
  return workgroupUniformLoad(&length_shared) <= LIST;
}

fn put_listed(count: u32) {
  for (var i = thread; i < length_shared; i += THREADS) {
    var rank = 0u;
    for (var j = 0u; j < length_shared; j++) {
      if (list_key[j] > list_key[i] || (list_key[j] == list_key[i] && list_id[j] < list_id[i])) { rank++; }
    }
    if (rank < count) { put(rank, list_id[i], list_key[i]); }
  }
}

// So many candidates tie that the list overflowed: one pass over all logits for each rank.
fn put_one_by_one(count: u32) {
  var last_key = 0xffffffffu;
  var last_id = 0u;
  for (var rank = 0u; rank < count; rank++) {
    if (thread == 0u) {
      atomicStore(&round_key, 0u);
      atomicStore(&round_id, 0u);
    }
    workgroupBarrier();
    var best = 0u;
    var id = 0u;
    for (var quad = thread; quad < QUADS; quad += THREADS) {
      let keys = load(quad);
      for (var j = 0u; j < 4u; j++) {
        let next = quad * 4u + j;
        if (keys[j] > best && (keys[j] < last_key || (keys[j] == last_key && next > last_id))) {
          best = keys[j];
          id = next;
        }
      }
    }
    atomicMax(&round_key, best);
    workgroupBarrier();
    last_key = atomicLoad(&round_key);
    if (best != 0u && best == last_key) { atomicMax(&round_id, ~id); }
    workgroupBarrier();
    last_id = ~atomicLoad(&round_id);
    if (thread == 0u && last_key != 0u) { put(rank, last_id, last_key); }
    workgroupBarrier();
  }
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  let row = rows[rows[group.x].z];
  let wanted = settings[row.x * SETTINGS_WORDS + TOP_LOGPROBS];
  if (wanted == 0u || row.y >= POSITIONS) { return; }
  let count = min(wanted - 1u, MOST);
  thread = index;
  first_quad = group.x * STRIDE_QUADS;
  first_word = (row.x * STEPS + row.y % STEPS) * (HEAD + 2u * MOST);
  if (index < MOST) { logprobs[first_word + HEAD + index] = NO_TOKEN; }
  find_bests();
  find_sum(settings[row.x * SETTINGS_WORDS + ZERO]);
  if (index == 0u) {
    let id = history[row.x * POSITIONS + row.y];
    logprobs[first_word] = id;
    var key = 0u;
    if (id < V) { key = load(id / 4u)[id % 4u]; }
    logprobs[first_word + 1u] = logit(key);
    logprobs[first_word + 2u] = logit(top);
    logprobs[first_word + 3u] = partial[0].x;
    logprobs[first_word + 4u] = partial[0].y;
  }
  storageBarrier();
  if (count > 0u) {
    if (list_best(count)) { put_listed(count); } else { put_one_by_one(count); }
  }
}
