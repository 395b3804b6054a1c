// provides: emit
// needs: cache_write
// The end of the fused q, k and v projection: rotary position embedding (Su et al. 2021, RoFormer), then q goes to its
// buffer, k and v to the cache. wq and wk are stored with the two elements of each rotated pair in neighbouring rows,
// whichever pairing the checkpoint has; q . k is the same for any order that both share.
override HEAD_DIM: u32;
override HEAD_STRIDE: u32; // HEAD_DIM rounded up to a multiple of 4
override N_HEADS: u32;
override N_KV_HEADS: u32;
override RING: u32; // cache slots of a sequence
override ROPE_FINE: u32; // positions of the fine half of the table
override QUERY_BETA: f32 = 0.0; // queries are multiplied with 1 + QUERY_BETA * ln(1 + floor(position / QUERY_LENGTH))
override QUERY_LENGTH: u32 = 1u;

@group(0) @binding(4) var<storage, read> rope: array<vec2f>; // [1 + ROPE_FINE + coarse, HEAD_DIM / 2] (frequency, 0), then (cos, sin)
@group(0) @binding(5) var<storage, read> rows: array<vec4u>; // [T] (sequence, position, -, -); position ~0 is padding
@group(0) @binding(6) var<storage, read_write> q: array<vec2f>; // [T, N_HEADS, HEAD_STRIDE / 2]

fn emit(row: u32, col: u32, a: f32, b: f32) {
  let sequence = rows[row].x;
  let position = rows[row].y;
  if (col >= N || position == 0xffffffffu) { return; }
  let head = col / HEAD_DIM;
  let pair = (col % HEAD_DIM) / 2u;
  if (head >= N_HEADS + N_KV_HEADS) {
    let kv_head = head - N_HEADS - N_KV_HEADS;
    cache_write_value(cache_slot(sequence, kv_head, position), row * N_KV_HEADS + kv_head, pair, vec2f(a, b));
    return;
  }
  // A turn by ROPE_FINE · i + j is one by ROPE_FINE · i and one by j: two short tables instead of one long.
  let fine = rope[(1u + position % ROPE_FINE) * (HEAD_DIM / 2u) + pair];
  let coarse = rope[(1u + ROPE_FINE + position / ROPE_FINE) * (HEAD_DIM / 2u) + pair];
  let error = rounding_error(position, bitcast<u32>(rope[pair].x));
  // cos and sin of the error, which is small.
  let small = vec2f(1.0 - 0.5 * error * error, error - error * error * error / 6.0);
  let rotated = turned(vec2f(a, b), turned(small, turned(fine, coarse)));
  if (head < N_HEADS) {
    var scale = 1.0;
    if (QUERY_BETA != 0.0) { scale += QUERY_BETA * log(1.0 + f32(position / QUERY_LENGTH)); }
    q[(row * N_HEADS + head) * (HEAD_STRIDE / 2u) + pair] = scale * rotated;
  } else {
    let kv_head = head - N_HEADS;
    cache_write_key(cache_slot(sequence, kv_head, position), row * N_KV_HEADS + kv_head, pair, rotated);
  }
}

// The product of two complex numbers, (cos, sin) each: a turn by the sum of their angles.
fn turned(a: vec2f, b: vec2f) -> vec2f {
  return vec2f(a.x * b.x - a.y * b.y, a.y * b.x + a.x * b.y);
}

// What rounding position * frequency to f32 adds to it, as every implementation rounds it that models are trained with: up
// to some hundredths of a radian in long contexts. `frequency` is the bits of an f32. Integers alone are sure to be exact:
// compilers may fuse a product with a sum, or not.
fn rounding_error(position: u32, frequency: u32) -> f32 {
  let exponent = frequency >> 23u;
  if (exponent < 24u) { return 0.0; }
  let mantissa = (frequency & 0x7fffffu) | 0x800000u;
  let cross = (position >> 16u) * (mantissa & 0xffffu) + (position & 0xffffu) * (mantissa >> 16u);
  let low = (position & 0xffffu) * (mantissa & 0xffffu) + (cross << 16u);
  let high = (position >> 16u) * (mantissa >> 16u) + (cross >> 16u) + select(0u, 1u, low < (cross << 16u));
  let bits = select(32u - countLeadingZeros(low), 64u - countLeadingZeros(high), high > 0u);
  if (bits <= 24u) { return 0.0; }
  let dropped = bits - 24u;
  let rest = low & ((1u << dropped) - 1u);
  // Halves go to the even neighbour.
  let is_up = rest + ((low >> dropped) & 1u) > (1u << (dropped - 1u));
  let error = select(-f32(rest), f32((1u << dropped) - rest), is_up);
  return error * bitcast<f32>((exponent - 23u) << 23u);
}

// Index of one key or value in the cache.
fn cache_slot(sequence: u32, kv_head: u32, position: u32) -> u32 {
  return (sequence * N_KV_HEADS + kv_head) * RING + position % RING;
}
