// provides: weights
// 32-bit float weights, rows padded with zeros to blocks of 32.
override K_BLOCKS: u32; // blocks of 32 inputs in a row

@group(0) @binding(2) var<storage, read> weights: array<vec4f>; // [N, K_BLOCKS * 8]

// Inputs 4*quad .. 4*quad + 3 of one output's row.
fn weight_quad(row: u32, quad: u32) -> vec4f {
  return weights[row * K_BLOCKS * 8u + quad];
}

const QUADS_PER_READ = 1u;

fn read_quads(row: u32, quad: u32) -> vec4f {
  return weight_quad(row, quad);
}

fn quad_of(quads: vec4f, i: u32) -> vec4f {
  return quads;
}

// One 16-byte load: four weights.
const QUADS_PER_STEP = 1u;
alias Inputs = vec4f;

fn load_inputs(at: u32) -> Inputs {
  return x[at];
}

// Dot product of the weights of one step with their inputs.
fn step_dot(row: u32, step: u32, inputs: Inputs) -> f32 {
  return dot(weights[row * K_BLOCKS * 8u + step], inputs);
}
