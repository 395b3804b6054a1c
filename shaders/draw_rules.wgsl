// provides: draw_rules
// Uses sampler_math, which its kernels need too. The rules that only sampling has, in Hugging Face's order, and the draw, as draw_short and draw_dense go through them.
// `at` is where the settings of the request begin.
const RULE_TOP_K = 0u;
const RULE_TOP_P = 1u;
const RULE_MIN_P = 2u;
const RULE_TYPICAL_P = 3u;
const RULE_EPSILON = 4u;
const RULE_ETA = 5u;
const DRAW = 6u;

// In the history where the list of candidates overflowed: draw_dense must choose.
const LIST_TOO_SHORT = 0xfffffffeu;

fn applies(rule: u32, at: u32) -> bool {
  let flags = settings[at + FLAGS];
  switch rule {
    case RULE_TOP_K: { return settings[at + TOP_K] > 0u && settings[at + TOP_K] < V; }
    case RULE_TOP_P: { return (flags & HAS_TOP_P) != 0u; }
    case RULE_MIN_P: { return (flags & HAS_MIN_P) != 0u; }
    case RULE_TYPICAL_P: { return (flags & HAS_TYPICAL_P) != 0u; }
    case RULE_EPSILON: { return (flags & HAS_EPSILON) != 0u; }
    case RULE_ETA: { return (flags & HAS_ETA) != 0u; }
    default: { return true; }
  }
}

// What the running sum of counts (top_k) or weights must exceed.
fn goal_of(rule: u32, at: u32, total: vec2u, step: u32) -> vec2u {
  switch rule {
    case RULE_TOP_K: { return vec2u(settings[at + TOP_K] - 1u, 0u); }
    case RULE_TOP_P: { return share64(total, settings[at + TOP_P]); }
    case RULE_TYPICAL_P: {
      // The mass is to be reached, not exceeded.
      let mass = share64(total, settings[at + TYPICAL_P]);
      return sub64(mass, vec2u(select(0u, 1u, (mass.x | mass.y) != 0u), 0u));
    }
    default: { return share64(total, pcg3d(vec3u(settings[at + SEED], settings[at + SEED + 1u], step))); }
  }
}

// Below this weight a candidate goes, unless it is the best. Nothing weighs more than TOP_WEIGHT.
fn least_of(rule: u32, at: u32, total: vec2u, mean: f32, zero: u32) -> u32 {
  if (rule == RULE_MIN_P) { return settings[at + MIN_P]; }
  let share = share64(total, settings[at + select(EPSILON, ETA, rule == RULE_ETA)]);
  let least = select(min(share.x, TOP_WEIGHT), TOP_WEIGHT, share.y > 0u);
  // sqrt(eta) exp(-entropy), times the total: exp(-entropy) = exp(-mean) / total.
  let rooted = min(least, share64(vec2u(weight_of_gap(mean, zero), 0u), settings[at + ETA_ROOT]).x);
  return select(least, rooted, rule == RULE_ETA);
}

// Weight times gap, in units of 2^-14 of a top weight's 2^-31: what the mean is made of.
fn weighted(gap: f32, weight: u32) -> vec2u {
  let product = mul64(u32(min(gap, 64.0) * 4194304.0), weight);
  return vec2u((product.x >> 8u) | (product.y << 24u), product.y >> 8u);
}

// The mean gap, which is the entropy less the logarithm of the total: to 24 bits, cut off, so that f32 holds it.
fn mean_of(sum: vec2u, total: vec2u) -> f32 {
  // floor(sum 2^24 / total) by long division.
  var quotient = vec2u(0u);
  var rest = vec2u(0u);
  for (var bit = 63; bit >= -24; bit--) {
    let word = select(sum.x, sum.y, bit >= 32);
    let digit = select(0u, (word >> (u32(bit) & 31u)) & 1u, bit >= 0);
    rest = vec2u((rest.x << 1u) | digit, (rest.y << 1u) | (rest.x >> 31u));
    let fits = !less64(rest, total);
    let smaller = sub64(rest, total);
    rest = select(rest, smaller, vec2<bool>(fits));
    quotient = vec2u((quotient.x << 1u) | select(0u, 1u, fits), (quotient.y << 1u) | (quotient.x >> 31u));
  }
  var exponent = -38;
  for (var i = 0; i < 40; i++) {
    let large = quotient.y > 0u || quotient.x >= 16777216u;
    let halved = vec2u((quotient.x >> 1u) | (quotient.y << 31u), quotient.y >> 1u);
    quotient = select(quotient, halved, vec2<bool>(large));
    exponent += select(0, 1, large);
  }
  return f32(quotient.x) * bitcast<f32>(u32(exponent + 127) << 23u);
}
