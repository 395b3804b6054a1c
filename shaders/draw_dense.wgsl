// needs: sampler_math, draw_rules, draw_bins
// Chooses among all candidates, one workgroup for each output: for requests without a small top_k. A rule looks for the
// candidate at which a running sum exceeds a goal. Instead of sorting, a pass over all candidates adds them up in bins by
// how far they are below the best; the few in the bin that holds the goal are listed and compared with each other. Where
// they do not fit the list, such as among many equals, more passes split the bin by eight bits of their value at a time.
// One loop with few barriers: compilers of software adapters take seconds for code with many.
override V: u32; // ids that may be chosen
override QUADS: u32; // V / 4, rounded up
override SPAN: u32; // quads of one thread: QUADS / THREADS, rounded up
override STRIDE_QUADS: u32; // quads from one row of logits to the next
override POSITIONS: u32; // tokens that the history of a sequence holds

@group(0) @binding(0) var<storage, read> logits: array<vec4u>; // [outputs, STRIDE_QUADS] bits of f32
@group(0) @binding(1) var<storage, read_write> scores: array<vec4u>; // [outputs, STRIDE_QUADS] bits of f32, then keys; 0: gone
@group(0) @binding(2) var<storage, read_write> rows: array<u32>; // [T, 4] (sequence, position, output row, -)
@group(0) @binding(3) var<storage, read> settings: array<u32>; // [sequences, SETTINGS_WORDS]
@group(0) @binding(4) var<storage, read_write> history: array<u32>; // [sequences, POSITIONS]

const THREADS = 256u;
const LIST = 256u;

var<workgroup> place: vec3u; // row, sequence, position
var<workgroup> tops: array<atomic<u32>, 8>; // the best key before each rule, from 1 on
var<workgroup> best_id: atomic<u32>; // inverted: the largest is the lowest id
var<workgroup> gap_sums: array<vec2u, THREADS>;
var<workgroup> list_value: array<u32, LIST>;
var<workgroup> list_id: array<u32, LIST>;
var<workgroup> list_measure: array<u32, LIST>; // what the candidate adds
var<workgroup> length: atomic<u32>;
var<workgroup> length_shared: u32;
var<workgroup> found_shared: vec2u;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  if (thread == 0u) {
    let row = rows[group.x * 4u + 2u];
    place = vec3u(row, rows[row * 4u], rows[row * 4u + 1u]);
  }
  let at_place = workgroupUniformLoad(&place);
  let at = at_place.y * SETTINGS_WORDS;
  let target_at = at_place.y * POSITIONS + at_place.z + 1u;
  let first = group.x * STRIDE_QUADS;
  let zero = settings[at + ZERO];
  let ruled = (settings[at + FLAGS] & RULES) != 0u;
  let sampling = (settings[at + FLAGS] & SAMPLE) != 0u;
  let divisor = select(ONE, settings[at + TEMPERATURE], sampling);
  let step = at_place.z + 1u - settings[at + PROMPT_LENGTH];
  let mine = thread * SPAN;
  let mine_end = min(mine + SPAN, QUADS);

  // Keys at the temperature go to the scratch, each thread's own in a row. Loops over four are unrolled where that pays.
  var best = 0u;
  var id = 0u;
  for (var quad = mine; quad < mine_end; quad++) {
    var bits = logits[first + quad];
    if (ruled) { bits = scores[first + quad]; }
    for (var j = 0u; j < 4u; j++) {
      if (divisor != ONE) { bits[j] = divide(bits[j], divisor); }
      let key = select(0u, key_of(bits[j]), quad * 4u + j < V);
      bits[j] = key;
      if (key > best) {
        best = key;
        id = quad * 4u + j;
      }
    }
    scores[first + quad] = bits;
  }
  atomicMax(&tops[RULE_TOP_K], best);
  workgroupBarrier();
  var top = atomicLoad(&tops[RULE_TOP_K]);
  if (best == top && best != 0u) { atomicMax(&best_id, ~id); }
  workgroupBarrier();
  var choice = ~atomicLoad(&best_id);

  // Each thread's sum of what the last rule left is known already, by the weights that drawing takes.
  var summed = false;
  for (var rule = select(DRAW + 1u, RULE_TOP_K, sampling); rule <= DRAW; rule++) {
    if (!applies(rule, at)) { continue; }
    var total = vec2u(0u);
    var mean = 0.0;
    var goal = vec2u(0u);
    var least = 0u;
    var found = vec2u(0u); // value, id
    var place_found = vec3u(0u); // a thread or a bin, and what is left of the goal there
    var bin_listed = 0u;
    var unlisted = false;
    for (var pass_of_rule = 0u; pass_of_rule < PASSES; pass_of_rule++) {
      if (!needs(rule, pass_of_rule, unlisted)) { continue; }
      let by_id = pass_of_rule >= IDS;
      let shift = select(8u * (IDS - 1u - pass_of_rule), 8u * (FILTER - 1u - pass_of_rule), by_id);
      let in_bins = pass_of_rule == BINNED || (pass_of_rule >= VALUES && pass_of_rule < FILTER);
      if (in_bins) {
        for (var bin = thread; bin < BINS; bin += THREADS) {
          atomicStore(&low[bin], 0u);
          atomicStore(&high[bin], 0u);
        }
      }
      if (thread == 0u) {
        atomicStore(&length, 0u);
        found_shared = vec2u(NO_TOKEN); // more are wanted than there are
      }
      workgroupBarrier();
      var halves_low = 0u;
      var halves_high = 0u;
      var gap_sum = vec2u(0u);
      var left_best = 0u;
      var left = place_found.yz;
      let known = pass_of_rule == TOTAL && rule == DRAW && summed;
      let end = select(mine_end, mine, known || (pass_of_rule == INSIDE && thread != place_found.x));
      if (pass_of_rule == FILTER) { least = least_of(rule, at, total, mean, zero); }
      // Most of the time goes to the first two of these loops: what they do not need stands in the third.
      if (pass_of_rule == BINNED) {
        for (var quad = mine; quad < end; quad++) {
          let keys = scores[first + quad];
          for (var j = 0u; j < 4u; j++) {
            let key = keys[j];
            if (key == 0u) { continue; }
            let gap = gap_of(key, top, zero);
            let bin = measure(rule, key, gap, mean).y;
            let weight = weight_for(rule, gap, zero);
            if (bin == select(BINS - 1u, 0u, rule == RULE_TOP_P)) {
              // Sums of the halves of words do not overflow.
              halves_low += weight & 0xffffu;
              halves_high += weight >> 16u;
            } else {
              add_to_bin(bin, vec2u(weight, 0u));
            }
          }
        }
        add_to_bin(select(BINS - 1u, 0u, rule == RULE_TOP_P), whole(halves_low, halves_high));
      } else if (pass_of_rule == LISTED) {
        for (var quad = mine; quad < end; quad++) {
          var keys = scores[first + quad];
          for (var j = 0u; j < 4u; j++) {
            let key = keys[j];
            if (key == 0u) { continue; }
            let gap = gap_of(key, top, zero);
            let measured = measure(rule, key, gap, mean);
            if (measured.y == bin_listed) {
              let at_list = atomicAdd(&length, 1u);
              if (at_list < LIST) {
                list_value[at_list] = measured.x;
                list_id[at_list] = quad * 4u + j;
                list_measure[at_list] = weight_for(rule, gap, zero);
              }
            } else if ((measured.y > bin_listed) == (rule == RULE_TOP_P)) {
              let weight = weight_for(rule, gap, zero);
              // What weighs nothing is nothing to be near to the mean.
              keys[j] = select(key, 0u, rule == RULE_TYPICAL_P && weight == 0u);
              left_best = max(left_best, keys[j]);
              halves_low += weight & 0xffffu;
              halves_high += weight >> 16u;
            } else {
              keys[j] = 0u;
            }
          }
          scores[first + quad] = keys;
        }
      } else {
        for (var quad = mine; quad < end; quad++) {
          var keys = scores[first + quad];
          for (var j = 0u; j < 4u; j++) {
            let key = keys[j];
            if (key == 0u) { continue; }
            let at_id = quad * 4u + j;
            let gap = gap_of(key, top, zero);
            let weight = weight_for(rule, gap, zero);
            let measured = measure(rule, key, gap, mean);
            if (pass_of_rule == FILTER) {
              let by_value = rule == RULE_TOP_K || rule == RULE_TOP_P || rule == RULE_TYPICAL_P;
              let kept = stays(rule, measured.x, at_id, found, weight);
              let keep = select(weight >= least || key == top, kept, by_value);
              keys[j] = select(0u, key, keep);
              left_best = max(left_best, keys[j]);
              halves_low += select(0u, weight & 0xffffu, keep);
              halves_high += select(0u, weight >> 16u, keep);
            } else if (pass_of_rule == INSIDE) {
              if (less64(left, vec2u(weight, 0u))) {
                found_shared.y = min(found_shared.y, at_id);
                left = vec2u(0u, NO_TOKEN);
              }
              left = sub64(left, vec2u(weight, 0u));
            } else if (pass_of_rule == TOTAL) {
              halves_low += weight & 0xffffu;
              halves_high += weight >> 16u;
              if (rule == RULE_TYPICAL_P || rule == RULE_ETA) { gap_sum = add64(gap_sum, weighted(gap, weight)); }
            } else if (measured.y == bin_listed && (!by_id || measured.x == found.x)) {
              // At the value that was found ids decide.
              let digits = select(measured.x, at_id, by_id) >> shift;
              // Two shifts: a shift by 32 is not defined.
              if ((digits >> 8u) == select(found.x, found.y, by_id)) { add_to_bin(digits & 255u, vec2u(weight, 0u)); }
            }
          }
          if (pass_of_rule == FILTER) { scores[first + quad] = keys; }
        }
      }
      if ((pass_of_rule == TOTAL && !known) || pass_of_rule == FILTER || pass_of_rule == LISTED) {
        sums[thread] = whole(halves_low, halves_high);
        gap_sums[thread] = gap_sum;
      }
      if (pass_of_rule == FILTER) { atomicMax(&tops[rule + 1u], left_best); }
      workgroupBarrier();
      if (in_bins) {
        var sum = vec2u(0u);
        for (var j = 0u; j < 4u; j++) { sum = add64(sum, bin_sum(thread * 4u + j)); }
        sums[thread] = sum;
      }
      if (thread == 0u) { length_shared = atomicLoad(&length); }
      let listed = workgroupUniformLoad(&length_shared);
      if (pass_of_rule == LISTED) {
        unlisted = listed > LIST;
        if (thread < min(listed, LIST)) {
          let value = list_value[thread];
          let own_id = list_id[thread];
          var before = vec2u(0u);
          for (var i = 0u; i < min(listed, LIST); i++) {
            let comes_before = list_value[i] < value || (list_value[i] == value && list_id[i] < own_id);
            before = add64(before, vec2u(select(0u, list_measure[i], comes_before), 0u));
          }
          let reached = less64(left, add64(before, vec2u(list_measure[thread], 0u)));
          if (reached && !less64(left, before)) { found_shared = vec2u(value, own_id); }
        }
      } else if (thread < 32u) {
        var sum = vec2u(0u);
        for (var i = 0u; i < 16u; i++) {
          let from_here = (thread & 15u) * 16u + i;
          sum = add64(sum, select(gap_sums[from_here], sums[from_here], vec2<bool>(thread < 16u)));
        }
        sixteen[thread] = sum;
      }
      workgroupBarrier();
      // All threads read the same, so all come to the same.
      if (pass_of_rule == LISTED) {
        found = select(found_shared, vec2u(0u), vec2<bool>(unlisted));
        goal = left;
        // Each thread keeps or drops what is listed of its own.
        for (var i = 0u; i < select(listed, 0u, unlisted); i++) {
          let at_id = list_id[i];
          if (at_id / 4u / SPAN != thread) { continue; }
          let value = list_value[i];
          if (stays(rule, value, at_id, found, list_measure[i])) {
            left_best = max(left_best, scores[first + at_id / 4u][at_id & 3u]);
            sums[thread] = add64(sums[thread], vec2u(list_measure[i], 0u));
          } else {
            scores[first + at_id / 4u][at_id & 3u] = 0u;
          }
        }
        atomicMax(&tops[rule + 1u], left_best);
      } else if (pass_of_rule == INSIDE) {
        choice = select(choice, found_shared.y, top != 0u);
      } else if (pass_of_rule != FILTER) {
        if (pass_of_rule == TOTAL || pass_of_rule == BINNED) {
          total = vec2u(0u);
          var gap_total = vec2u(0u);
          for (var i = 0u; i < 16u; i++) {
            total = add64(total, sixteen[i]);
            gap_total = add64(gap_total, sixteen[16u + i]);
          }
          goal = goal_of(rule, at, total, step);
          if (pass_of_rule == TOTAL && (rule == RULE_TYPICAL_P || rule == RULE_ETA)) { mean = mean_of(gap_total, total); }
        }
        place_found = find(goal);
        if (in_bins) {
          var bin = place_found.x * 4u;
          for (var j = 0u; j < 3u; j++) {
            let sum = bin_sum(place_found.x * 4u + j);
            let beyond = bin == place_found.x * 4u + j && !less64(place_found.yz, sum);
            if (beyond) {
              let left = sub64(place_found.yz, sum);
              place_found.y = left.x;
              place_found.z = left.y;
              bin++;
            }
          }
          place_found.x = bin;
          if (pass_of_rule == BINNED) {
            bin_listed = bin;
          } else {
            goal = place_found.yz;
            if (by_id) { found.y = (found.y << 8u) | bin; } else { found.x = (found.x << 8u) | bin; }
          }
        }
      }
      workgroupBarrier();
    }
    if (rule != DRAW) {
      let left_top = atomicLoad(&tops[rule + 1u]);
      // Weights go by the best that is left, and top_k counts each as one.
      summed = left_top == top && rule != RULE_TOP_K;
      top = left_top;
    }
  }
  if (thread == 0u) {
    if (at_place.z + 1u < POSITIONS) { history[target_at] = choice; }
    rows[at_place.x * 4u + 1u] = at_place.z + 1u;
  }
}
