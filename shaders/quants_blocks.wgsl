// provides: quants
// needs: block
// The blocks of GGUF's block types as whole numbers of 8 bits: a `block` part gives quants that are no larger.
override K_BLOCKS: u32; // blocks of 32 inputs in a row

struct Quants {
  low: vec4u, // sixteen inputs
  high: vec4u, // and the next sixteen
  scale: vec2f, // of each half
  minimum: vec2f,
}

fn packed(block: Block, quad: u32) -> u32 {
  return pack4xI8(vec4i(block_quad(block, quad)));
}

fn load_quants(row: u32, at: u32) -> Quants {
  let block = load_block(row, at);
  return Quants(
    vec4u(packed(block, 0u), packed(block, 1u), packed(block, 2u), packed(block, 3u)),
    vec4u(packed(block, 4u), packed(block, 5u), packed(block, 6u), packed(block, 7u)),
    block.scale,
    block.minimum,
  );
}
