// needs: sampler_math, draw_rules
// Chooses among all candidates, one workgroup for each output: for requests without a small top_k. A rule looks for the
// candidate at which a running sum exceeds a goal. Instead of sorting, a pass over all candidates adds them up in bins by
// how far they are below the best; the few in the bin that holds the goal are listed and compared with each other. Where
// they do not fit the list, such as among many equals, more passes split the bin by eight bits of their value at a time.
// One loop with few barriers: compilers of software adapters take seconds for code with many.
override V: u32; // ids that may be chosen
override QUADS: u32; // V / 4, rounded up
override SPAN: u32; // quads of one thread, QUADS / THREADS, rounded up: at most THREADS
override STRIDE_QUADS: u32; // quads from one row of logits to the next
override POSITIONS: u32; // tokens that the history of a sequence holds

@group(0) @binding(0) var<storage, read> logits: array<vec4u>; // [outputs, STRIDE_QUADS] bits of f32
@group(0) @binding(1) var<storage, read_write> scores: array<vec4u>; // [outputs, STRIDE_QUADS] bits of f32, then keys; 0: gone
@group(0) @binding(2) var<storage, read_write> rows: array<u32>; // [T, 4] (sequence, position, output row, -)
@group(0) @binding(3) var<storage, read> settings: array<u32>; // [sequences, SETTINGS_WORDS]
@group(0) @binding(4) var<storage, read_write> history: array<u32>; // [sequences, POSITIONS]

const THREADS = 256u;
const BINS = 1024u; // four for each thread
const LIST = 256u;
const BINS_PER_NAT = 46.5; // what weighs anything is less than 22 below the best

var<workgroup> place: vec3u; // row, sequence, position
var<workgroup> tops: array<atomic<u32>, 8>; // the best key before each rule, from 1 on
var<workgroup> best_id: atomic<u32>; // inverted: the largest is the lowest id
var<workgroup> low: array<atomic<u32>, BINS>; // sums of the bins
var<workgroup> high: array<atomic<u32>, BINS>;
var<workgroup> sums: array<vec2u, THREADS>; // of each thread's candidates, or bins
var<workgroup> gap_sums: array<vec2u, THREADS>;
var<workgroup> sixteen: array<vec2u, 32>; // sums of 16 threads each, then those of the gaps
var<workgroup> list_value: array<u32, LIST>;
var<workgroup> list_id: array<u32, LIST>;
var<workgroup> list_measure: array<u32, LIST>; // what the candidate adds
var<workgroup> length: atomic<u32>;
var<workgroup> length_shared: u32;
var<workgroup> found_shared: vec2u;

// What a pass does.
const TOTAL = 0u; // adds up weights, and weights times gaps, by thread
const INSIDE = 1u; // weights of one thread's candidates, four by four
const BINNED = 2u; // by how far the candidate is below the best, or from the mean
const LISTED = 3u; // lists one bin
const VALUES = 4u; // by the value that the rule goes by; four passes
const IDS = 8u; // by id; three passes
const PASSES = 11u;

fn needs(rule: u32, pass_of_rule: u32, unlisted: bool) -> bool {
  let by_value = rule == RULE_TOP_K || rule == RULE_TOP_P || rule == RULE_TYPICAL_P;
  if (pass_of_rule == TOTAL) { return rule >= RULE_TYPICAL_P; }
  if (pass_of_rule == INSIDE) { return rule == DRAW; }
  if (pass_of_rule < VALUES) { return by_value; }
  return unlisted && by_value && (pass_of_rule < IDS || rule == RULE_TOP_P);
}

// As key_of, apart, gap_of and weight_of_gap of sampler_math, four at a time and without branches.
fn keys_of(bits: vec4u) -> vec4u {
  let magnitude = bits & vec4u(0x7fffffffu);
  var keys = select(bits | vec4u(0x80000000u), ~bits, bits >= vec4u(0x80000000u));
  keys = select(keys, vec4u(0x80000000u), magnitude < vec4u(0x00800000u));
  keys = select(keys, vec4u(0u), bits == vec4u(MINUS_INFINITY));
  return select(keys, vec4u(0u), magnitude > vec4u(INFINITE));
}

fn apart4(product: vec4f, zero: u32) -> vec4f {
  return bitcast<vec4f>(bitcast<vec4u>(product) ^ vec4u(zero));
}

fn gaps_of(keys: vec4u, top: u32, zero: u32) -> vec4f {
  let bits = select(~keys, keys ^ vec4u(0x80000000u), keys >= vec4u(0x80000000u));
  var gaps = apart4(vec4f(bitcast<f32>(bits_of(top))) - bitcast<vec4f>(bits), zero);
  gaps = select(gaps, vec4f(0.0), gaps < vec4f(9.3132257e-10)); // 2^-30
  let infinite = vec4<bool>(top == 0xff800000u);
  gaps = select(gaps, vec4f(1e30), infinite);
  gaps = select(gaps, vec4f(1e30), keys == vec4u(0u));
  return select(gaps, vec4f(0.0), keys == vec4u(top));
}

fn weights_of(keys: vec4u, gaps: vec4f, zero: u32) -> vec4u {
  let exact = apart4(gaps * 1.4426950216293335, zero);
  let t = min(exact, vec4f(31.0));
  let k = ceil(t);
  let f = k - t;
  var p = vec4f(0.0018671300495043397);
  p = apart4(p * f, zero) + 0.009017030708491802;
  p = apart4(p * f, zero) + 0.05579991266131401;
  p = apart4(p * f, zero) + 0.24016444385051727;
  p = apart4(p * f, zero) + 0.6931512951850891;
  p = clamp(apart4(p * f, zero) + 1.0, vec4f(1.0), vec4f(1.9999998807907104));
  let mantissa = (bitcast<vec4u>(p) & vec4u(0x007fffffu)) | vec4u(0x00800000u);
  let shift = vec4u(k);
  let large = mantissa << (8u - min(shift, vec4u(8u)));
  let beyond = max(shift, vec4u(9u));
  let small = (mantissa + (vec4u(1u) << (beyond - 9u))) >> (beyond - 8u);
  var weights = select(small, large, shift <= vec4u(8u));
  weights = select(vec4u(0u), weights, gaps < vec4f(22.0));
  weights = select(vec4u(0u), weights, exact < vec4f(31.0));
  return select(weights, vec4u(0u), keys == vec4u(0u));
}

// The values of candidates: ascending is the order in which the rule adds up.
fn values_of(rule: u32, keys: vec4u, gaps: vec4f, mean: f32) -> vec4u {
  switch rule {
    case RULE_TOP_K: { return ~keys; }
    case RULE_TOP_P: { return keys; }
    default: { return bitcast<vec4u>(abs(gaps - vec4f(mean))); }
  }
}

// Bins in the order of the values. Each step from value to bin keeps the order, rounding too.
fn bins_of(rule: u32, gaps: vec4f, mean: f32) -> vec4u {
  let distances = select(gaps, abs(gaps - vec4f(mean)), vec4<bool>(rule == RULE_TYPICAL_P));
  let bins = vec4u(min(distances * BINS_PER_NAT, vec4f(1023.0)));
  return select(bins, vec4u(BINS - 1u) - bins, vec4<bool>(rule == RULE_TOP_P));
}

fn add_to_bin(bin: u32, measure: u32) {
  let old = atomicAdd(&low[bin], measure);
  if (old + measure < old) { atomicAdd(&high[bin], 1u); }
}

fn bin_sum(bin: u32) -> vec2u {
  return vec2u(atomicLoad(&low[bin]), atomicLoad(&high[bin]));
}

// Which thread's sum the goal falls in, and what is left of the goal there. First among groups of 16, then in the group.
fn find(goal: vec2u) -> vec3u {
  var left = goal;
  var group = 0u;
  for (var i = 0u; i < 15u; i++) {
    let beyond = group == i && !less64(left, sixteen[i]);
    left = select(left, sub64(left, sixteen[i]), vec2<bool>(beyond));
    group += select(0u, 1u, beyond);
  }
  var index = group * 16u;
  for (var i = 0u; i < 15u; i++) {
    let sum = sums[group * 16u + i];
    let beyond = index == group * 16u + i && !less64(left, sum);
    left = select(left, sub64(left, sum), vec2<bool>(beyond));
    index += select(0u, 1u, beyond);
  }
  return vec3u(index, left);
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
  let first = group.x * STRIDE_QUADS;
  let zero = settings[at + ZERO];
  let ruled = (settings[at + FLAGS] & RULES) != 0u;
  let sampling = (settings[at + FLAGS] & SAMPLE) != 0u;
  let divisor = select(ONE, settings[at + TEMPERATURE], sampling);
  let step = at_place.z + 1u - settings[at + PROMPT_LENGTH];
  let mine = thread * SPAN;
  let mine_end = min(mine + SPAN, QUADS);

  // Keys at the temperature go to the scratch, each thread's own in a row.
  var best = 0u;
  var id = 0u;
  for (var quad = mine; quad < mine_end; quad++) {
    var bits = logits[first + quad];
    if (ruled) { bits = scores[first + quad]; }
    if (divisor != ONE) {
      for (var j = 0u; j < 4u; j++) { bits[j] = divide(bits[j], divisor); }
    }
    let ids = vec4u(quad * 4u) + vec4u(0u, 1u, 2u, 3u);
    let keys = select(vec4u(0u), keys_of(bits), ids < vec4u(V));
    scores[first + quad] = keys;
    let most = max(max(keys.x, keys.y), max(keys.z, keys.w));
    if (most > best) {
      best = most;
      id = select(select(select(ids.w, ids.z, keys.z == most), ids.y, keys.y == most), ids.x, keys.x == most);
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
    var place_found = vec3u(0u); // a thread or a bin, and what is left of the goal there
    var unlisted = false;
    for (var pass_of_rule = 0u; pass_of_rule < PASSES; pass_of_rule++) {
      if (!needs(rule, pass_of_rule, unlisted)) { continue; }
      let by_id = pass_of_rule >= IDS;
      let shift = select(8u * (IDS - 1u - pass_of_rule), 8u * (PASSES - 1u - pass_of_rule), by_id);
      let in_bins = pass_of_rule == BINNED || pass_of_rule >= VALUES;
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
      var halves_low = vec4u(0u);
      var halves_high = vec4u(0u);
      var gap_sum = vec2u(0u);
      var begin = mine;
      var end = mine_end;
      if (pass_of_rule == INSIDE) {
        begin = place_found.x * SPAN + thread;
        end = min(select(begin, begin + 1u, thread < SPAN), QUADS);
      }
      for (var quad = begin; quad < end; quad++) {
        let keys = scores[first + quad];
        if (all(keys == vec4u(0u))) { continue; }
        let gaps = gaps_of(keys, top, zero);
        var bins = vec4u(0u);
        var counts = keys != vec4u(0u);
        if (pass_of_rule == BINNED || pass_of_rule == LISTED) {
          bins = bins_of(rule, gaps, mean);
          if (pass_of_rule == LISTED) { counts = counts & (bins == vec4u(place_found.x)); }
        }
        let values = values_of(rule, keys, gaps, mean);
        let ids = vec4u(quad * 4u) + vec4u(0u, 1u, 2u, 3u);
        if (pass_of_rule >= VALUES) {
          // At the value that was found ids decide.
          if (by_id) { counts = counts & (values == vec4u(found.x)); }
          let digits = select(values, ids, vec4<bool>(by_id)) >> vec4u(shift);
          // Two shifts: a shift by 32 is not defined.
          counts = counts & ((digits >> vec4u(8u)) == vec4u(select(found.x, found.y, by_id)));
          bins = digits & vec4u(255u);
        }
        if (!any(counts)) { continue; }
        var measures = vec4u(1u);
        if (rule != RULE_TOP_K) { measures = weights_of(keys, gaps, zero); }
        measures = select(vec4u(0u), measures, counts);
        if (pass_of_rule < BINNED) {
          // Sums of the halves of words do not overflow.
          halves_low += measures & vec4u(0xffffu);
          halves_high += measures >> vec4u(16u);
          if (rule == RULE_TYPICAL_P || rule == RULE_ETA) {
            for (var j = 0u; j < 4u; j++) { gap_sum = add64(gap_sum, weighted(gaps[j], measures[j])); }
          }
          continue;
        }
        for (var j = 0u; j < 4u; j++) {
          if (measures[j] == 0u) { continue; }
          if (pass_of_rule == LISTED) {
            let at_list = atomicAdd(&length, 1u);
            if (at_list < LIST) {
              list_value[at_list] = values[j];
              list_id[at_list] = ids[j];
              list_measure[at_list] = measures[j];
            }
          } else {
            add_to_bin(bins[j], measures[j]);
          }
        }
      }
      if (pass_of_rule < BINNED) {
        let high_sum = halves_high.x + halves_high.y + halves_high.z + halves_high.w;
        let low_sum = halves_low.x + halves_low.y + halves_low.z + halves_low.w;
        sums[thread] = add64(vec2u(high_sum << 16u, high_sum >> 16u), vec2u(low_sum, 0u));
        gap_sums[thread] = gap_sum;
      }
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
          let left = place_found.yz;
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
      } else {
        if (pass_of_rule == TOTAL || (pass_of_rule == BINNED && rule == RULE_TOP_P)) {
          total = vec2u(0u);
          var gap_total = vec2u(0u);
          for (var i = 0u; i < 16u; i++) {
            total = add64(total, sixteen[i]);
            gap_total = add64(gap_total, sixteen[16u + i]);
          }
          goal = goal_of(rule, at, total, step);
          if (rule == RULE_TYPICAL_P || rule == RULE_ETA) { mean = mean_of(gap_total, total); }
        }
        let inside = pass_of_rule == INSIDE;
        let goal_here = select(goal, place_found.yz, vec2<bool>(inside));
        let quad_before = place_found.x * SPAN;
        place_found = find(goal_here);
        if (inside) { place_found.x += quad_before; }
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
          if (pass_of_rule >= VALUES) {
            goal = place_found.yz;
            if (by_id) { found.y = (found.y << 8u) | bin; } else { found.x = (found.x << 8u) | bin; }
          }
        }
      }
      workgroupBarrier();
    }
    if (rule == DRAW) {
      // Of four candidates, the one that the goal falls in.
      let keys = scores[first + place_found.x];
      let weights = weights_of(keys, gaps_of(keys, top, zero), zero);
      var left = place_found.yz;
      var at_quad = 0u;
      for (var j = 0u; j < 3u; j++) {
        let weight = vec2u(weights[j], 0u);
        let beyond = at_quad == j && !less64(left, weight);
        left = select(left, sub64(left, weight), vec2<bool>(beyond));
        at_quad += select(0u, 1u, beyond);
      }
      choice = select(choice, place_found.x * 4u + at_quad, top != 0u);
    } else {
      let least = least_of(rule, at, total, mean, zero);
      var left_best = 0u;
      for (var quad = mine; quad < mine_end; quad++) {
        let keys = scores[first + quad];
        if (all(keys == vec4u(0u))) { continue; }
        var keep = keys != vec4u(0u);
        switch rule {
          case RULE_TOP_K: { keep = keep & (~keys <= vec4u(found.x)); }
          case RULE_TOP_P: {
            let ids = vec4u(quad * 4u) + vec4u(0u, 1u, 2u, 3u);
            keep = keep & ((keys > vec4u(found.x)) | ((keys == vec4u(found.x)) & (ids >= vec4u(found.y))));
          }
          default: {
            let gaps = gaps_of(keys, top, zero);
            let weights = weights_of(keys, gaps, zero);
            if (rule == RULE_TYPICAL_P) {
              keep = keep & (weights > vec4u(0u)) & (values_of(rule, keys, gaps, mean) <= vec4u(found.x));
            } else {
              keep = keep & ((weights >= vec4u(least)) | (keys == vec4u(top)));
            }
          }
        }
        let kept = select(vec4u(0u), keys, keep);
        scores[first + quad] = kept;
        left_best = max(left_best, max(max(kept.x, kept.y), max(kept.z, kept.w)));
      }
      atomicMax(&tops[rule + 1u], left_best);
    }
    // The next pass may read what another thread has left.
    storageBarrier();
    workgroupBarrier();
    if (rule != DRAW) { top = atomicLoad(&tops[rule + 1u]); }
  }
  if (thread == 0u) {
    if (at_place.z + 1u < POSITIONS) { history[target_at] = choice; }
    rows[at_place.x * 4u + 1u] = at_place.z + 1u;
  }
}
