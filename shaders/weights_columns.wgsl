// provides: weights
// needs: block
// Quantized weights whose inputs each have a group of their own: four at a time, since each costs a look at its scale.
override K_BLOCKS: u32; // blocks of 32 inputs in a row

fn weight_quad(row: u32, quad: u32) -> vec4f {
  let block = load_block(row, quad / 8u);
  return block.scale.x * block_quad(block, quad & 7u);
}

const QUADS_PER_READ = 1u;

fn read_quads(row: u32, quad: u32) -> vec4f {
  return weight_quad(row, quad);
}

fn quad_of(quads: vec4f, i: u32) -> vec4f {
  return quads;
}

const QUADS_PER_STEP = 1u;
alias Inputs = vec4f;

fn load_inputs(at: u32) -> Inputs {
  return x[at];
}

// Dot product of the weights of one step with their inputs.
fn step_dot(row: u32, step: u32, inputs: Inputs) -> f32 {
  return dot(weight_quad(row, step), inputs);
}
