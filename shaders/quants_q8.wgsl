// provides: quants
// The blocks of weights_q8, which are whole numbers of 8 bits already.
override K_BLOCKS: u32; // blocks of 32 inputs in a row

@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS * 2], sixteen weights each
@group(0) @binding(3) var<storage, read> scales: array<u32>; // [N * K_BLOCKS / 2], two f16 each

const HAS_MINIMUM = false;

struct Quants {
  low: vec4u, // sixteen inputs
  high: vec4u, // and the next sixteen
  scale: vec2f, // of each half
  minimum: vec2f,
}

fn load_quants(row: u32, block: u32) -> Quants {
  let at = row * K_BLOCKS + block;
  return Quants(weights[2u * at], weights[2u * at + 1u], vec2f(unpack2x16float(scales[at / 2u])[at & 1u]), vec2f());
}
