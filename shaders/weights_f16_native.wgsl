// provides: weights
// 16-bit float weights read as f16: the same bytes as weights_halves, fewer instructions.
enable f16;

override K_BLOCKS: u32; // blocks of 32 inputs in a row

@group(0) @binding(2) var<storage, read> weights: array<vec4<f16>>; // [N, K_BLOCKS * 8]

fn weight_quad(row: u32, quad: u32) -> vec4f {
  return vec4f(weights[row * K_BLOCKS * 8u + quad]);
}

const QUADS_PER_READ = 1u;

fn read_quads(row: u32, quad: u32) -> vec4f {
  return weight_quad(row, quad);
}

fn quad_of(quads: vec4f, i: u32) -> vec4f {
  return quads;
}

// As in weights_halves: eight weights, 16 bytes.
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
  let at = row * K_BLOCKS * 8u + step * 2u;
  return dot(vec4f(weights[at]), inputs.x0) + dot(vec4f(weights[at + 1u]), inputs.x1);
}
