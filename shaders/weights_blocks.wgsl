// provides: weights
// needs: block
// Quantized weights of GGUF's block types, 32 inputs at a time. A `block` part reads 32 weights of one type: their scale
// and minimum for each half, and their quants as whole numbers; w = scale * quant - minimum.
override K_BLOCKS: u32; // blocks of 32 inputs in a row

// A block's scales are unpacked once for all of it.
const QUADS_PER_READ = 8u;

fn read_quads(row: u32, quad: u32) -> Block {
  return load_block(row, quad / 8u);
}

fn quad_of(block: Block, i: u32) -> vec4f {
  return block.scale[i / 4u] * block_quad(block, i) - block.minimum[i / 4u];
}

fn weight_quad(row: u32, quad: u32) -> vec4f {
  return quad_of(load_block(row, quad / 8u), quad & 7u);
}

// One block: thirty-two weights.
const QUADS_PER_STEP = 8u;

struct Inputs {
  x0: vec4f,
  x1: vec4f,
  x2: vec4f,
  x3: vec4f,
  x4: vec4f,
  x5: vec4f,
  x6: vec4f,
  x7: vec4f,
  sums: vec2f, // of each half
}

fn load_inputs(at: u32) -> Inputs {
  var inputs = Inputs(
    x[at], x[at + 1u], x[at + 2u], x[at + 3u], x[at + 4u], x[at + 5u], x[at + 6u], x[at + 7u], vec2f(),
  );
  if (HAS_MINIMUM) {
    let one = vec4f(1.0);
    inputs.sums = vec2f(
      dot(inputs.x0 + inputs.x1 + inputs.x2 + inputs.x3, one),
      dot(inputs.x4 + inputs.x5 + inputs.x6 + inputs.x7, one),
    );
  }
  return inputs;
}

// Dot product of the weights of one step with their inputs.
fn step_dot(row: u32, step: u32, inputs: Inputs) -> f32 {
  let block = load_block(row, step);
  let sums = vec2f(
    dot(block_quad(block, 0u), inputs.x0) + dot(block_quad(block, 1u), inputs.x1)
      + dot(block_quad(block, 2u), inputs.x2) + dot(block_quad(block, 3u), inputs.x3),
    dot(block_quad(block, 4u), inputs.x4) + dot(block_quad(block, 5u), inputs.x5)
      + dot(block_quad(block, 6u), inputs.x6) + dot(block_quad(block, 7u), inputs.x7),
  );
  let product = dot(block.scale, sums);
  if (HAS_MINIMUM) { return product - dot(block.minimum, inputs.sums); }
  return product;
}
