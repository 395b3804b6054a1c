// needs: sampler_math
// The rules on the tokens so far, in the order and with the definitions of transformers 5.18
// `generation/logits_process.py` (frequency and presence penalty: OpenAI and vLLM): src/sampling/history.ts is the twin,
// bit for bit. One workgroup for each output; each rule touches only the ids that it is about. Within a rule no id is
// changed by two threads, except that several may ban it; between rules there is a barrier.
override V: u32; // ids of the vocabulary
override STRIDE: u32; // scores from one row to the next
override POSITIONS: u32; // tokens that the history of a sequence holds

@group(0) @binding(0) var<storage, read_write> scores: array<atomic<u32>>; // [outputs, STRIDE] bits of f32
@group(0) @binding(1) var<storage, read_write> counts: array<atomic<u32>>; // [outputs, V] zero before and after
@group(0) @binding(2) var<storage, read> rows: array<vec4u>; // [T] (sequence, position, output row, -)
@group(0) @binding(3) var<storage, read> settings: array<u32>; // [sequences, SETTINGS_WORDS]
@group(0) @binding(4) var<storage, read> history: array<u32>; // [sequences, POSITIONS]
@group(0) @binding(5) var<storage, read> lists: array<u32>; // [sequences, LIST_WORDS]

const THREADS = 256u;

var<private> first_score: u32;
var<private> first_count: u32;
var<private> first_token: u32;
var<private> first_item: u32; // of this sequence's lists
var<private> length: u32; // tokens so far
var<private> zero: u32;

fn score(id: u32) -> f32 {
  return bitcast<f32>(atomicLoad(&scores[first_score + id]));
}

fn set_score(id: u32, value: f32) {
  atomicStore(&scores[first_score + id], bitcast<u32>(value));
}

fn ban(id: u32) {
  if (id < V) { atomicStore(&scores[first_score + id], MINUS_INFINITY); }
}

fn ban_list(at: u32, count: u32, thread: u32) {
  for (var i = thread; i < count; i += THREADS) { ban(lists[first_item + at + i]); }
}

// Whether the tokens end with the `count` ids of the lists that start at `at`.
fn ends_with(at: u32, count: u32) -> bool {
  if (count > length) { return false; }
  for (var i = 0u; i < count; i++) {
    if (history[first_token + length - count + i] != lists[at + i]) { return false; }
  }
  return true;
}

// Sequences in groups of one last id: [id, entries, then for each entry: ids before the last, bias, these ids]. The
// biases of those that are about to be completed are added up first, then to the score.
fn sequences(at: u32, count: u32, bans: bool, thread: u32) {
  for (var group = thread; group < count; group += THREADS) {
    var word = first_item + lists[first_item + at + group];
    let id = lists[word];
    let entries = lists[word + 1u];
    word += 2u;
    var sum = 0.0;
    var matched = false;
    for (var entry = 0u; entry < entries; entry++) {
      let before = lists[word];
      if (ends_with(word + 2u, before)) {
        sum = apart(sum + bitcast<f32>(lists[word + 1u]), zero);
        matched = true;
      }
      word += 2u + before;
    }
    if (!matched || id >= V) { continue; }
    if (bans) { ban(id); } else { set_score(id, score(id) + sum); }
  }
}

fn count_tokens(first: u32, thread: u32) {
  for (var i = first + thread; i < length; i += THREADS) {
    let id = history[first_token + i];
    if (id < V) { atomicAdd(&counts[first_count + id], 1u); }
  }
}

// The count of the i-th token for the first thread that asks, then 0: each id is handled once and the counts are left
// zero.
fn take_count(i: u32) -> vec2u {
  let id = history[first_token + i];
  if (id >= V) { return vec2u(0u); }
  return vec2u(id, atomicExchange(&counts[first_count + id], 0u));
}

fn repetition(penalty: u32, thread: u32) {
  for (var i = thread; i < length; i += THREADS) {
    let taken = take_count(i);
    if (taken.y == 0u) { continue; }
    let bits = atomicLoad(&scores[first_score + taken.x]);
    if (bitcast<f32>(bits) < 0.0) {
      set_score(taken.x, apart(bitcast<f32>(bits) * bitcast<f32>(penalty), zero));
    } else {
      atomicStore(&scores[first_score + taken.x], divide(bits, penalty));
    }
  }
}

fn ngrams(n: u32, thread: u32) {
  let before = n - 1u;
  if (length < n) { return; }
  for (var start = thread; start <= length - n; start += THREADS) {
    var same = 0u;
    while (same < before && history[first_token + start + same] == history[first_token + length - before + same]) {
      same++;
    }
    if (same == before) { ban(history[first_token + start + before]); }
  }
}

fn penalties(first: u32, frequency: f32, presence: f32, thread: u32) {
  for (var i = first + thread; i < length; i += THREADS) {
    let taken = take_count(i);
    if (taken.y == 0u) { continue; }
    let once = apart(score(taken.x) - apart(frequency * f32(taken.y), zero), zero);
    set_score(taken.x, once - presence);
  }
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let row = rows[rows[group.x].z];
  let at = row.x * SETTINGS_WORDS;
  let flags = settings[at + FLAGS];
  if ((flags & RULES) == 0u) { return; }
  first_score = group.x * STRIDE;
  first_count = group.x * V;
  first_token = row.x * POSITIONS;
  first_item = row.x * LIST_WORDS;
  length = min(row.y + 1u, POSITIONS);
  zero = settings[at + ZERO];

  let biases = settings[at + BIASES];
  for (var i = thread; i < settings[at + BIASES + 1u]; i += THREADS) {
    let id = lists[first_item + biases + 2u * i];
    if (id < V) { set_score(id, score(id) + bitcast<f32>(lists[first_item + biases + 2u * i + 1u])); }
  }
  storageBarrier();
  sequences(settings[at + BIASED], settings[at + BIASED + 1u], false, thread);
  storageBarrier();
  let penalty = settings[at + REPETITION];
  if (penalty != ONE) {
    count_tokens(0u, thread);
    storageBarrier();
    repetition(penalty, thread);
    storageBarrier();
  }
  let n = settings[at + NGRAM];
  if (n > 0u) { ngrams(n, thread); }
  sequences(settings[at + WORDS], settings[at + WORDS + 1u], true, thread);
  if (length < settings[at + SHORT_BELOW]) { ban_list(settings[at + ENDS], settings[at + ENDS + 1u], thread); }
  ban_list(settings[at + BANS], settings[at + BANS + 1u], thread);
  if ((flags & COUNTS) != 0u) {
    let prompt = settings[at + PROMPT_LENGTH];
    count_tokens(prompt, thread);
    storageBarrier();
    penalties(prompt, bitcast<f32>(settings[at + FREQUENCY]), bitcast<f32>(settings[at + PRESENCE]), thread);
  }
}
