// provides: weights
// 8-bit weights in blocks of 32 with one f16 scale: w = scale * q, q in -128..127 (GGUF Q8_0, split in two arrays).
override K_BLOCKS: u32; // blocks of 32 inputs in a row

@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS * 2], sixteen weights each
@group(0) @binding(3) var<storage, read> scales: array<u32>; // [N * K_BLOCKS / 2], two f16 each

fn block_scale(row: u32, block: u32) -> f32 {
  let at = row * K_BLOCKS + block;
  return unpack2x16float(scales[at / 2u])[at & 1u];
}

// Four signed bytes, the lowest first.
fn signed_bytes(word: u32) -> vec4f {
  return vec4f(bitcast<vec4i>(vec4u(word) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u));
}

fn weight_quad(row: u32, quad: u32) -> vec4f {
  let word = weights[row * K_BLOCKS * 2u + quad / 4u][quad & 3u];
  return block_scale(row, quad / 8u) * signed_bytes(word);
}

const QUADS_PER_READ = 1u;

fn read_quads(row: u32, quad: u32) -> vec4f {
  return weight_quad(row, quad);
}

fn quad_of(quads: vec4f, i: u32) -> vec4f {
  return quads;
}

// One 16-byte load: sixteen weights.
const QUADS_PER_STEP = 4u;

struct Inputs {
  x0: vec4f,
  x1: vec4f,
  x2: vec4f,
  x3: vec4f,
}

fn load_inputs(at: u32) -> Inputs {
  return Inputs(x[at], x[at + 1u], x[at + 2u], x[at + 3u]);
}

// Dot product of the weights of one step with their inputs.
fn step_dot(row: u32, step: u32, inputs: Inputs) -> f32 {
  let words = weights[row * K_BLOCKS * 2u + step];
  let sum = dot(signed_bytes(words.x), inputs.x0) + dot(signed_bytes(words.y), inputs.x1)
    + dot(signed_bytes(words.z), inputs.x2) + dot(signed_bytes(words.w), inputs.x3);
  return block_scale(row, step / 2u) * sum;
}
