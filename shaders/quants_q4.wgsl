// provides: quants
// The blocks of weights_q4 as whole numbers of 8 bits, four in a word.
override K_BLOCKS: u32; // blocks of 32 inputs in a row

@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS], thirty-two weights each
@group(0) @binding(3) var<storage, read> scales: array<u32>; // [N * K_BLOCKS / 2], two f16 each

const HAS_MINIMUM = false;

struct Quants {
  low: vec4u, // sixteen inputs
  high: vec4u, // and the next sixteen
  scale: vec2f, // of each half
  minimum: vec2f,
}

// Nibbles q in 0..15 as bytes q - 8: with the top bit turned round they are numbers of four bits, which then get their sign.
fn signed_bytes(nibbles: vec4u) -> vec4u {
  let turned = (nibbles & vec4u(0x0f0f0f0fu)) ^ vec4u(0x08080808u);
  return turned | ((turned & vec4u(0x08080808u)) * 0x1eu);
}

fn load_quants(row: u32, block: u32) -> Quants {
  let at = row * K_BLOCKS + block;
  let words = weights[at];
  let scale = unpack2x16float(scales[at / 2u])[at & 1u];
  let low = vec4u(words.x, words.x >> 4u, words.y, words.y >> 4u);
  let high = vec4u(words.z, words.z >> 4u, words.w, words.w >> 4u);
  return Quants(signed_bytes(low), signed_bytes(high), vec2f(scale), vec2f());
}
