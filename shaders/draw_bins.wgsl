// provides: draw_bins
// Uses sampler_math and draw_rules, which its kernel needs too. The passes of draw_dense, whose workgroups have THREADS threads, and the bins
// in which they add candidates up.
const BINS = 1024u; // four for each thread
const BINS_PER_NAT = 46.5; // what weighs anything is less than 22 below the best
const FAR = 512u; // from this bin on all are one: most candidates are there, and no goal

var<workgroup> low: array<atomic<u32>, BINS>; // sums of the bins
var<workgroup> high: array<atomic<u32>, BINS>;
var<workgroup> sums: array<vec2u, THREADS>; // of each thread's candidates, or bins
var<workgroup> sixteen: array<vec2u, 32>; // sums of 16 threads each, then those of the gaps

// What a pass does.
const TOTAL = 0u; // adds up weights, and weights times gaps, by thread
const INSIDE = 1u; // goes through one thread's candidates, one by one
const BINNED = 2u; // by how far the candidate is below the best, or from the mean
const LISTED = 3u; // keeps what is on the right side of one bin, and lists that bin
const VALUES = 4u; // by the value that the rule goes by; four passes
const IDS = 8u; // by id; three passes
const FILTER = 11u; // keeps what the rule leaves, where that is not done yet
const PASSES = 12u;

fn needs(rule: u32, pass_of_rule: u32, unlisted: bool) -> bool {
  let by_value = rule == RULE_TOP_K || rule == RULE_TOP_P || rule == RULE_TYPICAL_P;
  if (pass_of_rule == TOTAL) { return rule >= RULE_TYPICAL_P; }
  if (pass_of_rule == INSIDE) { return rule == DRAW; }
  if (pass_of_rule < VALUES) { return by_value; }
  if (pass_of_rule == FILTER) { return rule != DRAW && (unlisted || !by_value); }
  return unlisted && by_value && (pass_of_rule < IDS || rule == RULE_TOP_P);
}

// The value that the rule goes by, in the order in which it adds up, and its bin. From value to bin each step keeps the order, rounding
// too.
fn measure(rule: u32, key: u32, gap: f32, mean: f32) -> vec2u {
  let distance = abs(gap - mean);
  var bin = u32(min(select(gap, distance, rule == RULE_TYPICAL_P) * BINS_PER_NAT, 1023.0));
  if (bin >= FAR) { bin = BINS - 1u; }
  if (rule == RULE_TOP_P) { return vec2u(key, BINS - 1u - bin); }
  return vec2u(select(bitcast<u32>(distance), ~key, rule == RULE_TOP_K), bin);
}

// Whether a candidate stays where the goal falls on the value, and id, that was found.
fn stays(rule: u32, value: u32, id: u32, found: vec2u, weight: u32) -> bool {
  if (rule == RULE_TOP_K) { return value <= found.x; }
  if (rule == RULE_TOP_P) { return value > found.x || (value == found.x && id >= found.y); }
  return weight > 0u && value <= found.x;
}

// What top_k adds up is candidates.
fn weight_for(rule: u32, gap: f32, zero: u32) -> u32 {
  if (rule == RULE_TOP_K) { return 1u; }
  return weight_of_gap(gap, zero);
}

// The sum of numbers, of whose halves these are the sums.
fn whole(halves_low: u32, halves_high: u32) -> vec2u {
  return add64(vec2u(halves_high << 16u, halves_high >> 16u), vec2u(halves_low, 0u));
}

fn add_to_bin(bin: u32, sum: vec2u) {
  if ((sum.x | sum.y) == 0u) { return; }
  let old = atomicAdd(&low[bin], sum.x);
  let high_sum = sum.y + select(0u, 1u, old + sum.x < old);
  if (high_sum > 0u) { atomicAdd(&high[bin], high_sum); }
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
