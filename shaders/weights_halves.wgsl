// provides: weights
// needs: halves
// Weights of 16 bits, two in each u32.
override K_BLOCKS: u32; // blocks of 32 inputs in a row

@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS * 4], eight weights each

fn weight_quad(row: u32, quad: u32) -> vec4f {
  let bits = weights[row * K_BLOCKS * 4u + quad / 2u];
  return unpack_quad(select(bits.xy, bits.zw, (quad & 1u) == 1u));
}

const QUADS_PER_READ = 1u;

fn read_quads(row: u32, quad: u32) -> vec4f {
  return weight_quad(row, quad);
}

fn quad_of(quads: vec4f, i: u32) -> vec4f {
  return quads;
}

// One 16-byte load: eight weights.
const QUADS_PER_STEP = 2u;

struct Inputs {
  x0: vec4f,
  x1: vec4f,
}

fn load_inputs(at: u32) -> Inputs {
  return Inputs(x[at], x[at + 1u]);
}

// Dot product of the weights of one step with their inputs.
fn step_dot(row: u32, step: u32, inputs: Inputs) -> f32 {
  let bits = weights[row * K_BLOCKS * 4u + step];
  return dot(unpack_quad(bits.xy), inputs.x0) + dot(unpack_quad(bits.zw), inputs.x1);
}
