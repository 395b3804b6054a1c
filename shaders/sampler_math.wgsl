// provides: sampler_math
// needs: sampler_settings
// What the kernels of the sampler share that draw, or change scores: division that is rounded correctly, and weights that are
// integers. Sums of integers do not depend on the order of adding, so a choice is the
// same on every adapter and equal to test/reference/sampler.ts, which is this file's twin.
const MINUS_INFINITY = 0xff800000u;
const ONE = 0x3f800000u;
const TOP_WEIGHT = 0x80000000u;

fn bits_of(key: u32) -> u32 {
  return select(~key, key ^ 0x80000000u, (key >> 31u) == 1u);
}

// a / b rounded as IEEE 754 does, on bits; b is normal and above 0. WGSL's own division may be off by 2.5 ulp: it only
// estimates the quotient of the mantissas, whose remainder, small enough to survive wrapping, repairs it.
fn divide(a: u32, b: u32) -> u32 {
  let magnitude = a & 0x7fffffffu;
  if (magnitude >= INFINITE || magnitude < 0x00800000u) { return a; }
  let x = (a & 0x007fffffu) | 0x00800000u;
  let y = (b & 0x007fffffu) | 0x00800000u;
  let shift = select(24u, 23u, x >= y);
  var q = u32(f32(x) / f32(y) * f32(1u << shift));
  var rest = bitcast<i32>((x << shift) - q * y);
  let off = i32(floor(f32(rest) / f32(y)));
  q += bitcast<u32>(off);
  rest -= off * i32(y);
  let below = select(0, 1, rest < 0);
  let above = select(0, 1, rest >= i32(y));
  q += bitcast<u32>(above - below);
  rest += (below - above) * i32(y);
  let twice = 2u * u32(rest);
  if (twice > y || (twice == y && (q & 1u) == 1u)) { q += 1u; }
  let exponent = i32(magnitude >> 23u) - i32(b >> 23u) + 127 + 23 - i32(shift);
  let sign = a & 0x80000000u;
  if (exponent < 1) { return sign; }
  if (exponent > 254) { return sign | INFINITE; }
  // q has its leading bit at 23, which adds 1 to the exponent field.
  return sign | ((u32(exponent - 1) << 23u) + q);
}

// A product that the compiler can neither fuse with the addition that follows nor move.
fn apart(product: f32, zero: u32) -> f32 {
  return bitcast<f32>(bitcast<u32>(product) ^ zero);
}

// How far a candidate is below the best, at least 0. Infinite when the best is +Infinity and this is not.
fn gap_of(key: u32, top: u32, zero: u32) -> f32 {
  if (key == top) { return 0.0; }
  if (top == 0xff800000u || key == 0u) { return 1e30; }
  let gap = apart(bitcast<f32>(bits_of(top)) - bitcast<f32>(bits_of(key)), zero);
  return select(gap, 0.0, gap < 9.3132257e-10); // 2^-30
}

// round(2^31 exp(-gap)): 2^exponent of the fraction by a polynomial, each step rounded.
fn weight_of_gap(gap: f32, zero: u32) -> u32 {
  if (!(gap < 22.0)) { return 0u; }
  let t = apart(gap * 1.4426950216293335, zero);
  if (t >= 31.0) { return 0u; }
  let k = ceil(t);
  let f = k - t;
  var p = 0.0018671300495043397;
  p = apart(p * f, zero) + 0.009017030708491802;
  p = apart(p * f, zero) + 0.05579991266131401;
  p = apart(p * f, zero) + 0.24016444385051727;
  p = apart(p * f, zero) + 0.6931512951850891;
  p = clamp(apart(p * f, zero) + 1.0, 1.0, 1.9999998807907104);
  let mantissa = (bitcast<u32>(p) & 0x007fffffu) | 0x00800000u;
  let shift = u32(k);
  if (shift <= 8u) { return mantissa << (8u - shift); }
  return (mantissa + (1u << (shift - 9u))) >> (shift - 8u);
}

fn weight_of(key: u32, top: u32, zero: u32) -> u32 {
  return weight_of_gap(gap_of(key, top, zero), zero);
}

// 64 bits as (low, high).
fn add64(a: vec2u, b: vec2u) -> vec2u {
  let low = a.x + b.x;
  return vec2u(low, a.y + b.y + select(0u, 1u, low < a.x));
}

fn sub64(a: vec2u, b: vec2u) -> vec2u {
  return vec2u(a.x - b.x, a.y - b.y - select(0u, 1u, a.x < b.x));
}

fn less64(a: vec2u, b: vec2u) -> bool {
  return a.y < b.y || (a.y == b.y && a.x < b.x);
}

fn mul64(a: u32, b: u32) -> vec2u {
  let al = a & 0xffffu;
  let ah = a >> 16u;
  let bl = b & 0xffffu;
  let bh = b >> 16u;
  let low = al * bl;
  let m = al * bh;
  let n = ah * bl;
  let middle = (low >> 16u) + (m & 0xffffu) + (n & 0xffffu);
  return vec2u((low & 0xffffu) | (middle << 16u), ah * bh + (m >> 16u) + (n >> 16u) + (middle >> 16u));
}

// floor(a part / 2^32)
fn share64(a: vec2u, part: u32) -> vec2u {
  return add64(mul64(a.y, part), vec2u(mul64(a.x, part).y, 0u));
}

// First word of PCG3D (Jarzynski & Olano 2020).
fn pcg3d(seed: vec3u) -> u32 {
  var v = seed * 1664525u + 1013904223u;
  v.x += v.y * v.z;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  v ^= v >> vec3u(16u);
  v.x += v.y * v.z;
  return v.x;
}
