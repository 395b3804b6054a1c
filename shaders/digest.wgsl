// Digests the words of a buffer into one word for each thread, in whole numbers, so that all devices give the same: a fingerprint of
// weights that never leave the GPU. Of a large buffer each thread reads some words, evenly spread. Dispatches of one recording go on
// from what those before them left.
const THREADS = 256u;
const MOST_WORDS = 64u; // that a thread reads, or one more

@group(0) @binding(0) var<storage, read> words: array<u32>; // [any]
@group(0) @binding(1) var<storage, read_write> digest: array<u32>; // [THREADS]

@compute @workgroup_size(THREADS)
fn main(@builtin(local_invocation_id) id: vec3u) {
  let count = arrayLength(&words);
  let stride = max(1u, count / (THREADS * MOST_WORDS));
  var hash = digest[id.x] ^ count;
  for (var i = id.x * stride; i < count; i += THREADS * stride) {
    hash = (hash ^ words[i]) * 0x9e3779b1u;
    hash ^= hash >> 15u;
  }
  digest[id.x] = hash;
}
