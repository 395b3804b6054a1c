// provides: round_words
// The weights of a block as a file has them, and the first of the largest ones.
const ENORMOUS = 0x5d800000u; // 2^60: beyond all sense, and cut, so that squares stay finite

// The weights of a block as bits of f32.
struct Words {
  a: vec4u,
  b: vec4u,
  c: vec4u,
  d: vec4u,
  e: vec4u,
  f: vec4u,
  g: vec4u,
  h: vec4u,
}

// f16 as bits of f32: numbers below its normal ones as well, which some devices take for zero.
fn widen(halves: vec4u) -> vec4u {
  let magnitude = halves & vec4u(0x7fffu);
  let small = bitcast<vec4u>(vec4f(magnitude) * 0x1p-24);
  let usual = (magnitude << vec4u(13u)) + vec4u(0x38000000u);
  let special = usual + vec4u(0x38000000u);
  let wide = select(select(usual, small, magnitude < vec4u(0x400u)), special, magnitude >= vec4u(0x7c00u));
  return wide | ((halves & vec4u(0x8000u)) << vec4u(16u));
}

// Four weights of two words.
fn wide(words: vec2u) -> vec4u {
  if (STORED == 0u) { return vec4u(words.x << 16u, words.x & 0xffff0000u, words.y << 16u, words.y & 0xffff0000u); }
  return widen(vec4u(words.x & 0xffffu, words.x >> 16u, words.y & 0xffffu, words.y >> 16u));
}

fn load_words(block: u32) -> Words {
  if (STORED == 2u) {
    let at = block * 8u;
    return Words(stored[at], stored[at + 1u], stored[at + 2u], stored[at + 3u],
      stored[at + 4u], stored[at + 5u], stored[at + 6u], stored[at + 7u]);
  }
  let x = stored[block * 4u];
  let y = stored[block * 4u + 1u];
  let z = stored[block * 4u + 2u];
  let w = stored[block * 4u + 3u];
  return Words(wide(x.xy), wide(x.zw), wide(y.xy), wide(y.zw), wide(z.xy), wide(z.zw), wide(w.xy), wide(w.zw));
}

struct Largest {
  magnitude: u32, // bits of f32 without the sign
  is_negative: bool,
}

fn sizes(words: vec4u) -> vec4u {
  return words & vec4u(0x7fffffffu);
}

// Twice the place of a weight of this size, and one more where it is negative.
fn places(words: vec4u, size: u32, quad: u32) -> vec4u {
  let place = vec4u(0u, 2u, 4u, 6u) + vec4u(8u * quad) + (words >> vec4u(31u));
  return select(vec4u(64u), place, sizes(words) == vec4u(size));
}

// The first of the largest weights of a block.
fn largest_of(words: Words) -> Largest {
  let left = max(max(sizes(words.a), sizes(words.b)), max(sizes(words.c), sizes(words.d)));
  let right = max(max(sizes(words.e), sizes(words.f)), max(sizes(words.g), sizes(words.h)));
  let most = max(left, right);
  let size = max(max(most.x, most.y), max(most.z, most.w));
  let before = min(min(places(words.a, size, 0u), places(words.b, size, 1u)),
    min(places(words.c, size, 2u), places(words.d, size, 3u)));
  let behind = min(min(places(words.e, size, 4u), places(words.f, size, 5u)),
    min(places(words.g, size, 6u), places(words.h, size, 7u)));
  let first = min(before, behind);
  let place = min(min(first.x, first.y), min(first.z, first.w));
  return Largest(size, (place & 1u) == 1u);
}

fn weights_of(words: vec4u, flip: u32, factor: f32) -> vec4f {
  let cut = min(sizes(words), vec4u(ENORMOUS)) | ((words ^ vec4u(flip)) & vec4u(0x80000000u));
  return bitcast<vec4f>(cut) * factor;
}
