// Packs the keys and values of the rows of a batch into the cache, in blocks of 32 whole numbers of 8 bits with one scale: the
// upper half of an f32, which reaches as far as an f32 does and takes a shift to read. It is rounded up, so that the largest
// number of the block fits. A thread packs what shares a word of scales: two blocks.
override HEAD_STRIDE: u32; // head dimension rounded up to a multiple of 4
override N_KV_HEADS: u32;
override RING: u32; // cache slots of a sequence
override WORDS: u32; // words of one key or value: its quads, then two scales a word
override UNPACKED_AT: u32; // quads before the first value that is not packed
override VALUES_AT: u32; // words before the first value in the cache

const THREADS = 64u;
const BLOCK_QUADS = 8u;
override QUADS: u32 = HEAD_STRIDE / 4u;
override SCALES: u32 = WORDS - QUADS;

@group(0) @binding(0) var<storage, read> rows: array<vec4u>; // [T] (sequence, position, -, -); position ~0 is padding
@group(0) @binding(1) var<storage, read> unpacked: array<vec4f>; // [2, T, N_KV_HEADS, QUADS]
@group(0) @binding(2) var<storage, read_write> cache: array<u32>; // [2, sequences, N_KV_HEADS, RING, WORDS]

// Packs the block of a key or value that begins at a quad of it, and gives its scale.
fn pack_block(first: u32, to: u32, quad: u32) -> u32 {
  let end = min(quad + BLOCK_QUADS, QUADS);
  var most = vec4f();
  for (var i = quad; i < end; i++) { most = max(most, abs(unpacked[first + i])); }
  let largest = min(max(max(most.x, most.y), max(most.z, most.w)), 3e38);
  let bits = (bitcast<u32>(largest / 127.0) + 0xffffu) >> 16u;
  let scale = bitcast<f32>(bits << 16u);
  var by = 0.0;
  // Below lie numbers that a device may take for zero.
  if (scale > 1e-37) { by = 1.0 / scale; }
  for (var i = quad; i < end; i++) {
    let numbers = vec4i(clamp(round(unpacked[first + i] * by), vec4f(-127.0), vec4f(127.0)));
    let bytes = (bitcast<vec4u>(numbers) & vec4u(255u)) << vec4u(0u, 8u, 16u, 24u);
    cache[to + i] = bytes.x | bytes.y | bytes.z | bytes.w;
  }
  return bits;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = rows[id.y];
  if (id.x >= 2u * N_KV_HEADS * SCALES || row.y == 0xffffffffu) { return; }
  let is_value = id.x >= N_KV_HEADS * SCALES;
  let kv_head = (id.x / SCALES) % N_KV_HEADS;
  let word = id.x % SCALES;
  let first = select(0u, UNPACKED_AT, is_value) + (id.y * N_KV_HEADS + kv_head) * QUADS;
  let slot = (row.x * N_KV_HEADS + kv_head) * RING + row.y % RING;
  let to = select(0u, VALUES_AT, is_value) + slot * WORDS;
  let quad = word * 2u * BLOCK_QUADS;
  var scales = pack_block(first, to, quad);
  if (quad + BLOCK_QUADS < QUADS) { scales |= pack_block(first, to, quad + BLOCK_QUADS) << 16u; }
  cache[to + QUADS + word] = scales;
}
