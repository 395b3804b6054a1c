// needs: round_words
// Rounds rows of weights, as a file has them, to blocks of 8 or 4 bits: the very bytes of `src/kernels/rounding.ts`, where the search
// for a block's scale is explained. All that decides is exact. Weights and scales are taken in powers of two of the largest weight,
// so that sums of their products are whole numbers of few enough bits for f32, in parts where one has too many; ratios and gains are
// compared as whole numbers. What lies halfway is rounded away from zero, and a ratio to the even f16.
// Loops over the weights of a block are written out: on the CPU an array costs more than all that is done with it.
override EIGHT: bool = false; // to 8 bits, else to 4
override STORED: u32; // 0: bf16, 1: f16, 2: f32

const WORKGROUP = 64u;
const SLOTS = 32768u; // threads that have a place for what they lost, of each kind of matrix

@group(0) @binding(0) var<storage, read> stored: array<vec4u>; // [any]
@group(0) @binding(1) var<storage, read> rows: array<vec2u>; // [2 + T] (where the first block goes, blocks), (blocks of a row, the first one of this dispatch), then of each row (where its blocks begin, the places of its kind)
@group(0) @binding(2) var<storage, read_write> quants: array<vec4u>; // [N, K_BLOCKS] or [N, K_BLOCKS * 2]
@group(0) @binding(3) var<storage, read_write> scales: array<u32>; // [N * K_BLOCKS / 2], two f16 each
@group(0) @binding(4) var<storage, read_write> sums: array<vec2f>; // [KINDS, SLOTS] squares of what was lost, and of the weights

override LOW: f32 = select(8.0, 127.0, EIGHT); // the most steps on the side of the largest weight
override HIGH: f32 = select(7.0, 127.0, EIGHT);
override REACHES: u32 = select(5u, 3u, EIGHT);
// The unit of all whole numbers is 2^-UNIT of the largest weight's power of two: what f32 has of weights that do not become zero.
override UNIT: i32 = select(28i, 31i, EIGHT);
override LEAST_SHIFT: u32 = select(14u, 13u, EIGHT); // of a scale's own unit over that, at least

// A scale: bits * 2^shift units, of which `bits` is below 2048 or just there.
struct Scale {
  bits: u32,
  shift: u32,
}

// The weights of a block over the power of two of the largest. On four bits the sign of the largest is plus.
struct Weights {
  a: vec4f,
  b: vec4f,
  c: vec4f,
  d: vec4f,
  e: vec4f,
  f: vec4f,
  g: vec4f,
  h: vec4f,
}

fn power(exponent: i32) -> f32 {
  return bitcast<f32>(u32(exponent + 127) << 23u);
}

// Whole numbers of up to 59 bits: x * 2^16 + y with y below 2^16.
fn shifted(value: u32, shift: u32) -> vec2u {
  if (shift >= 16u) { return vec2u(value << (shift - 16u), 0u); }
  return vec2u(value >> (16u - shift), (value << shift) & 0xffffu);
}

fn twice(a: vec2u) -> vec2u {
  return vec2u(2u * a.x + (a.y >> 15u), (2u * a.y) & 0xffffu);
}

fn is_less(a: vec2u, b: vec2u) -> bool {
  return a.x < b.x || (a.x == b.x && a.y < b.y);
}

// The f16 nearest to the ratio of two whole numbers, in units; `least` is the shift of f16's smallest step.
fn nearest_scale(product: vec2u, square: u32, least: i32) -> Scale {
  let ratio = (f32(product.x) * 65536.0 + f32(product.y)) / f32(max(square, 1u));
  let exponent = i32((bitcast<u32>(ratio) >> 23u) & 255u) - 127;
  let shift = u32(max(exponent - 10, least));
  // At most one too low: the division is not exact.
  var bits = u32(ratio * power(-i32(shift)) + 0.49);
  let middle = shifted((2u * bits + 1u) * square, shift);
  let double = twice(product);
  let is_above = is_less(middle, double) || (all(middle == double) && (bits & 1u) == 1u);
  return Scale(bits + u32(is_above), shift);
}

// What the scale takes from the sum of squared weights, in units squared over 2^LEAST_SHIFT.
fn gain_of(scale: Scale, product: vec2u, square: u32) -> vec2u {
  let taken = shifted(scale.bits * square, scale.shift);
  let double = twice(product);
  let borrow = u32(double.y < taken.y);
  let rest = vec2u(double.x - taken.x - borrow, (double.y + (borrow << 16u)) - taken.y);
  let factor = scale.bits << (scale.shift - LEAST_SHIFT);
  let low = factor * rest.y;
  let middle = factor * (rest.x & 0xffffu) + (low >> 16u);
  return vec2u(factor * (rest.x >> 16u) + (middle >> 16u), (middle << 16u) | (low & 0xffffu));
}

// A number to which others are added so that they lose what is not whole: one of them is then a step of its bits.
const ROUNDER = 0x1.8p23;
const ROUNDER_BITS = 0x4b400000;

// Whole steps over ROUNDER, plus on the side of the largest weight. The inverse is a bit too large, which takes what is halfway away
// from zero; nothing else is as near to the middle, but for f32: there the step is taken back.
fn steps_over(weight: vec4f, scale: f32, inverse: f32) -> vec4i {
  let near = bitcast<vec4i>(weight * inverse + ROUNDER);
  let steps = clamp(near, vec4i(ROUNDER_BITS - i32(HIGH)), vec4i(ROUNDER_BITS + i32(LOW)));
  if (STORED != 2u) { return steps; }
  let size = abs(bitcast<vec4f>(steps) - ROUNDER);
  let is_over = (2.0 * size - 1.0) * scale > 2.0 * abs(weight);
  return steps - select(vec4i(), select(vec4i(-1), vec4i(1), weight > vec4f()), is_over);
}

fn steps_of(weight: vec4f, scale: f32, inverse: f32) -> vec4f {
  return bitcast<vec4f>(steps_over(weight, scale, inverse)) - ROUNDER;
}

// Sums of squared steps, and of their products with the weights: in the latter's parts, which are whole numbers of 24 bits.
fn add_steps(sums: vec4f, weight: vec4f, scale: f32, inverse: f32) -> vec4f {
  let steps = steps_of(weight, scale, inverse);
  let square = dot(steps, steps);
  if (!EIGHT && STORED != 2u) { return sums + vec4f(dot(steps, weight), 0.0, 0.0, square); }
  if (!EIGHT) {
    let high = trunc(weight * 0x1p15);
    return sums + vec4f(dot(steps, high), dot(steps, weight * 0x1p15 - high), 0.0, square);
  }
  let high = trunc(weight * 0x1p10);
  let rest = weight * 0x1p10 - high;
  if (STORED != 2u) { return sums + vec4f(dot(steps, high), dot(steps, rest), 0.0, square); }
  let middle = trunc(rest * 0x1p11);
  return sums + vec4f(dot(steps, high), dot(steps, middle), dot(steps, rest * 0x1p11 - middle), square);
}

// The sums for the quants that a scale gives.
struct Sums {
  product: vec2u,
  square: u32,
}

fn sums_of(weights: Weights, scale: Scale) -> Sums {
  let value = value_of(scale);
  let inverse = inverse_of(value);
  var sums = vec4f();
  sums = add_steps(sums, weights.a, value, inverse);
  sums = add_steps(sums, weights.b, value, inverse);
  sums = add_steps(sums, weights.c, value, inverse);
  sums = add_steps(sums, weights.d, value, inverse);
  sums = add_steps(sums, weights.e, value, inverse);
  sums = add_steps(sums, weights.f, value, inverse);
  sums = add_steps(sums, weights.g, value, inverse);
  sums = add_steps(sums, weights.h, value, inverse);
  let square = u32(sums.w);
  if (EIGHT) {
    let middle = u32(sums.y * select(0x1p11, 1.0, STORED == 2u));
    let high = u32(sums.x);
    let low = ((middle & 63u) << 10u) + u32(sums.z * 0x1p10);
    return Sums(vec2u((high << 5u) + (middle >> 6u) + (low >> 16u), low & 0xffffu), square);
  }
  let high = u32(sums.x * select(0x1p15, 1.0, STORED == 2u));
  let low = ((high & 7u) << 13u) + u32(sums.y * 0x1p13);
  return Sums(vec2u((high >> 3u) + (low >> 16u), low & 0xffffu), square);
}

fn value_of(scale: Scale) -> f32 {
  return f32(scale.bits) * power(i32(scale.shift) - UNIT);
}

fn inverse_of(scale: f32) -> f32 {
  return (1.0 + 0x1.8p-21) / scale;
}

// The first scale times so many 1024ths is tried as well.
fn share(reach: u32) -> u32 {
  if (EIGHT) { return 1024u + reach * 16u + (reach >> 1u); }
  return select(vec4u(1138u, 1078u, 975u, 931u)[(reach + 3u) & 3u], 1024u, reach == 0u);
}

// The best of the scales that are tried.
fn best_scale(weights: Weights, first: Scale, least: i32) -> Scale {
  var best = Scale(0u, first.shift);
  var most = vec2u();
  for (var reach = 0u; reach < REACHES; reach++) {
    let near = (first.bits * share(reach) + 512u) >> 10u;
    // No f16 is odd there.
    let usual = select(near, near & 0xfffffffeu, near >= 2048u);
    // Where f16 has few bits left its next number is tried as well.
    let last = usual + u32(usual < 1024u && i32(first.shift) == least);
    for (var bits = max(usual, 1u); bits <= last; bits++) {
      let found = sums_of(weights, Scale(bits, first.shift));
      let scale = nearest_scale(found.product, found.square, least);
      let gain = gain_of(scale, found.product, found.square);
      if (is_less(most, gain) && found.square > 0u) {
        most = gain;
        best = scale;
      }
    }
  }
  return best;
}

struct Rounded {
  scale: u32, // bits of f16
  lost: vec2f,
}

// Rounds a block to the quants of another.
fn round_block(block: u32, to: u32) -> Rounded {
  let words = load_words(block);
  let largest = largest_of(words);
  let magnitude = min(largest.magnitude, ENORMOUS);
  let exponent = i32(magnitude >> 23u) - 127;
  let base = max(exponent, -25);
  let is_nan = largest.magnitude > 0x7f800000u;
  // On four bits the largest weight is on the negative side, which reaches a step further.
  let flip = select(0u, 0x80000000u, largest.is_negative && !EIGHT);
  let factor = select(power(-base), 0.0, is_nan);
  let weights = Weights(
    weights_of(words.a, flip, factor), weights_of(words.b, flip, factor),
    weights_of(words.c, flip, factor), weights_of(words.d, flip, factor),
    weights_of(words.e, flip, factor), weights_of(words.f, flip, factor),
    weights_of(words.g, flip, factor), weights_of(words.h, flip, factor));
  let least = UNIT - 24 - base;
  let mantissa = (magnitude & 0x7fffffu) | 0x800000u;
  var scale = nearest_scale(shifted(mantissa, u32(UNIT) - 23u), u32(LOW), least);
  // Smaller ones are zeros in f16; of larger ones the scale might not fit it, and none is searched.
  let is_zero = is_nan || exponent < -25;
  if (!is_zero && exponent <= 17) { scale = best_scale(weights, scale, least); }
  if (is_zero) { scale.bits = 0u; }
  var half = select(scale.bits + (u32(i32(scale.shift) - least) << 10u), 0u, scale.bits == 0u);
  var value = value_of(scale);
  if (half > 0x7bffu) {
    half = 0x7bffu;
    value = 65504.0 * power(-base);
  }
  let lost = write_quants(weights, to, value) * power(base) * power(base);
  return Rounded(half | select(0u, 0x8000u, !EIGHT && !largest.is_negative && half != 0u), lost);
}

// A quad's steps as bytes with the sign that the scale leaves them, eight added to those of four bits.
struct Bytes {
  word: u32,
  lost: vec2f,
}

fn quantize(weight: vec4f, scale: f32, inverse: f32) -> Bytes {
  let steps = steps_over(weight, scale, inverse);
  let rest = weight - scale * (bitcast<vec4f>(steps) - ROUNDER);
  let whole = steps - ROUNDER_BITS;
  let four = select(vec4u(8 - whole), bitcast<vec4u>(whole) & vec4u(255u), vec4<bool>(EIGHT));
  let word = four.x | (four.y << 8u) | (four.z << 16u) | (four.w << 24u);
  return Bytes(word, vec2f(dot(rest, rest), dot(weight, weight)));
}

// Writes the block's quants. Returns the squares of what it lost, and of the weights.
fn write_quants(weights: Weights, to: u32, scale: f32) -> vec2f {
  let inverse = select(inverse_of(max(scale, 0x1p-90)), 0.0, scale == 0.0);
  let a = quantize(weights.a, scale, inverse);
  let b = quantize(weights.b, scale, inverse);
  let c = quantize(weights.c, scale, inverse);
  let d = quantize(weights.d, scale, inverse);
  let e = quantize(weights.e, scale, inverse);
  let f = quantize(weights.f, scale, inverse);
  let g = quantize(weights.g, scale, inverse);
  let h = quantize(weights.h, scale, inverse);
  if (EIGHT) {
    quants[2u * to] = vec4u(a.word, b.word, c.word, d.word);
    quants[2u * to + 1u] = vec4u(e.word, f.word, g.word, h.word);
  } else {
    quants[to] = vec4u(a.word, c.word, e.word, g.word) | (vec4u(b.word, d.word, f.word, h.word) << vec4u(4u));
  }
  return a.lost + b.lost + c.lost + d.lost + e.lost + f.lost + g.lost + h.lost;
}

// A thread rounds two neighbouring blocks, whose scales share a word. Theirs may be different rows.
@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let head = rows[0];
  let count = head.y;
  let per_row = rows[1].x;
  let first = rows[1].y + 2u * id.x;
  if (id.x >= SLOTS || first >= count) { return; }
  var row = first / per_row;
  var col = first - row * per_row;
  let source = rows[2u + row];
  let one = round_block(source.x + col, head.x + first);
  if (first + 1u >= count) {
    sums[source.y + id.x] += one.lost;
    scales[(head.x + first) / 2u] = one.scale;
    return;
  }
  col++;
  if (col == per_row) {
    row++;
    col = 0u;
  }
  let next = rows[2u + row];
  let other = round_block(next.x + col, head.x + first + 1u);
  scales[(head.x + first) / 2u] = one.scale | (other.scale << 16u);
  if (next.y == source.y) {
    sums[source.y + id.x] += one.lost + other.lost;
  } else {
    sums[source.y + id.x] += one.lost;
    sums[next.y + id.x] += other.lost;
  }
}
