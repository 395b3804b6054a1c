// needs: sampler_math, draw_rules
// Chooses among all candidates, one workgroup for each output: for requests without a small top_k. A rule looks for the
// candidate at which a running sum exceeds a goal; instead of sorting, a pass over all candidates adds them up in 256
// bins by eight bits of their value, the next pass splits the bin that holds the goal, and so on. One loop with four
// barriers: compilers of software adapters take seconds for code with many.
override V: u32; // ids that may be chosen
override STRIDE: u32; // elements from one row of logits to the next
override POSITIONS: u32; // tokens that the history of a sequence holds

@group(0) @binding(0) var<storage, read> logits: array<u32>; // [outputs, STRIDE] bits of f32
@group(0) @binding(1) var<storage, read_write> scores: array<u32>; // [outputs, STRIDE] bits of f32, then keys; 0: gone
@group(0) @binding(2) var<storage, read_write> rows: array<u32>; // [T, 4] (sequence, position, output row, -)
@group(0) @binding(3) var<storage, read> settings: array<u32>; // [sequences, SETTINGS_WORDS]
@group(0) @binding(4) var<storage, read_write> history: array<u32>; // [sequences, POSITIONS]

const THREADS = 256u;

var<workgroup> place: vec3u; // row, sequence, position
var<workgroup> tops: array<atomic<u32>, 8>; // the best key before each rule, from 1 on
var<workgroup> best_id: atomic<u32>; // inverted: the largest is the lowest id
var<workgroup> low: array<atomic<u32>, THREADS>; // sums of the bins
var<workgroup> high: array<atomic<u32>, THREADS>;
var<workgroup> sixteen: array<vec2u, 16>; // sums of 16 bins each

// What a pass adds up, by which of the candidate's values.
const TOTAL = 0u; // weights, in one bin
const GAPS = 1u; // weights times gaps, in one bin
const VALUES = 2u; // by the value that the rule goes by; four passes
const IDS = 6u; // by id; three passes
const PASSES = 9u;

fn needs(rule: u32, pass_of_rule: u32) -> bool {
  let by_value = rule == RULE_TOP_K || rule == RULE_TOP_P || rule == RULE_TYPICAL_P;
  if (pass_of_rule == TOTAL) { return rule != RULE_TOP_K && rule != RULE_MIN_P; }
  if (pass_of_rule == GAPS) { return rule == RULE_TYPICAL_P || rule == RULE_ETA; }
  if (pass_of_rule < IDS) { return by_value; }
  return rule == RULE_TOP_P || rule == DRAW;
}

// The value of a candidate: ascending is the order in which the rule adds up.
fn value_of(rule: u32, key: u32, top: u32, mean: f32, zero: u32) -> u32 {
  switch rule {
    case RULE_TOP_K: { return ~key; }
    case RULE_TOP_P: { return key; }
    default: { return distance_of(key, top, mean, zero); }
  }
}

fn add_to_bin(bin: u32, sum: vec2u) {
  if ((sum.x | sum.y) == 0u) { return; }
  let old = atomicAdd(&low[bin], sum.x);
  let carry = sum.y + select(0u, 1u, old + sum.x < old);
  if (carry > 0u) { atomicAdd(&high[bin], carry); }
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  if (thread == 0u) {
    let row = rows[group.x * 4u + 2u];
    place = vec3u(row, rows[row * 4u], rows[row * 4u + 1u]);
  }
  let at_place = workgroupUniformLoad(&place);
  let at = at_place.y * SETTINGS_WORDS;
  let target_at = at_place.y * POSITIONS + at_place.z + 1u;
  let first = group.x * STRIDE;
  let zero = settings[at + ZERO];
  let ruled = (settings[at + FLAGS] & RULES) != 0u;
  let sampling = (settings[at + FLAGS] & SAMPLE) != 0u;
  let divisor = select(ONE, settings[at + TEMPERATURE], sampling);
  let step = at_place.z + 1u - settings[at + PROMPT_LENGTH];

  // Keys at the temperature go to the scratch, where each thread meets only its own.
  var best = 0u;
  var id = 0u;
  for (var i = thread; i < V; i += THREADS) {
    var bits = logits[first + i];
    if (ruled) { bits = scores[first + i]; }
    let key = key_of(divide(bits, divisor));
    scores[first + i] = key;
    if (key > best) {
      best = key;
      id = i;
    }
  }
  atomicMax(&tops[RULE_TOP_K], best);
  workgroupBarrier();
  var top = atomicLoad(&tops[RULE_TOP_K]);
  if (best == top && best != 0u) { atomicMax(&best_id, ~id); }
  workgroupBarrier();
  var choice = ~atomicLoad(&best_id);

  for (var rule = select(DRAW + 1u, RULE_TOP_K, sampling); rule <= DRAW; rule++) {
    if (!applies(rule, at)) { continue; }
    var total = vec2u(0u);
    var mean = 0.0;
    var goal = goal_of(rule, at, total, step);
    var found = vec2u(0u); // value, id
    for (var pass_of_rule = 0u; pass_of_rule < PASSES; pass_of_rule++) {
      if (!needs(rule, pass_of_rule)) { continue; }
      let by_id = pass_of_rule >= IDS;
      let shift = select(8u * (IDS - 1u - pass_of_rule), 8u * (PASSES - 1u - pass_of_rule), by_id);
      atomicStore(&low[thread], 0u);
      atomicStore(&high[thread], 0u);
      workgroupBarrier();
      // Neighbours often fall into one bin: each thread adds up runs of its own before it goes to the shared bins.
      var run_bin = 0u;
      var run = vec2u(0u);
      for (var i = thread; i < V; i += THREADS) {
        let key = scores[first + i];
        if (key == 0u) { continue; }
        var bin = 0u;
        if (pass_of_rule >= VALUES) {
          let value = value_of(rule, key, top, mean, zero);
          // At the value that was found ids decide.
          if (by_id && rule == RULE_TOP_P && value != found.x) { continue; }
          let digits = select(value, i, by_id) >> shift;
          // Two shifts: a shift by 32 is not defined.
          if ((digits >> 8u) != select(found.x, found.y, by_id)) { continue; }
          bin = digits & 255u;
        }
        var measure = vec2u(1u, 0u);
        if (pass_of_rule == GAPS) {
          measure = weighted_gap(key, top, zero);
        } else if (rule != RULE_TOP_K) {
          measure.x = weight_of(key, top, zero);
        }
        if (bin != run_bin) {
          add_to_bin(run_bin, run);
          run_bin = bin;
          run = vec2u(0u);
        }
        run = add64(run, measure);
      }
      add_to_bin(run_bin, run);
      workgroupBarrier();
      if (thread < 16u) {
        var inside = vec2u(0u);
        for (var i = 0u; i < 16u; i++) {
          inside = add64(inside, vec2u(atomicLoad(&low[thread * 16u + i]), atomicLoad(&high[thread * 16u + i])));
        }
        sixteen[thread] = inside;
      }
      workgroupBarrier();
      // All threads read the same, so all come to the same.
      let sum = vec2u(atomicLoad(&low[0]), atomicLoad(&high[0]));
      if (pass_of_rule == TOTAL) {
        total = sum;
        goal = goal_of(rule, at, total, step);
      } else if (pass_of_rule == GAPS) {
        mean = mean_of(sum, total);
      } else {
        // First among groups of 16 bins, then in the group.
        var group_of = 0u;
        for (var i = 0u; i < 15u; i++) {
          let beyond = group_of == i && !less64(goal, sixteen[i]);
          goal = select(goal, sub64(goal, sixteen[i]), vec2<bool>(beyond));
          group_of += select(0u, 1u, beyond);
        }
        var bin = group_of * 16u;
        for (var i = 0u; i < 15u; i++) {
          let inside = vec2u(atomicLoad(&low[group_of * 16u + i]), atomicLoad(&high[group_of * 16u + i]));
          let beyond = bin == group_of * 16u + i && !less64(goal, inside);
          goal = select(goal, sub64(goal, inside), vec2<bool>(beyond));
          bin += select(0u, 1u, beyond);
        }
        if (by_id) { found.y = (found.y << 8u) | bin; } else { found.x = (found.x << 8u) | bin; }
      }
      workgroupBarrier();
    }
    if (rule == DRAW) {
      choice = select(choice, found.y, top != 0u);
    } else {
      let least = least_of(rule, at, total, mean, zero);
      var left_best = 0u;
      for (var i = thread; i < V; i += THREADS) {
        let key = scores[first + i];
        var keep = key != 0u;
        switch rule {
          case RULE_TOP_K: { keep = keep && ~key <= found.x; }
          case RULE_TOP_P: { keep = keep && (key > found.x || (key == found.x && i >= found.y)); }
          case RULE_TYPICAL_P: {
            keep = keep && weight_of(key, top, zero) > 0u && distance_of(key, top, mean, zero) <= found.x;
          }
          default: { keep = keep && (weight_of(key, top, zero) >= least || key == top); }
        }
        scores[first + i] = select(0u, key, keep);
        left_best = max(left_best, select(0u, key, keep));
      }
      atomicMax(&tops[rule + 1u], left_best);
    }
    workgroupBarrier();
    if (rule != DRAW) { top = atomicLoad(&tops[rule + 1u]); }
  }
  if (thread == 0u) {
    if (at_place.z + 1u < POSITIONS) { history[target_at] = choice; }
    rows[at_place.x * 4u + 1u] = at_place.z + 1u;
  }
}
