// provides: block
// needs: unpack
// NVFP4: w = s value(q), 4-bit floats (E2M1) with an 8-bit float E4M3 without a sign for each 16 inputs.
@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS], thirty-two inputs each
@group(0) @binding(3) var<storage, read> scales: array<u32>; // [N, K_BLOCKS / 2] one byte s for each half of two blocks

const HAS_MINIMUM = false;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  quants: vec4u,
}

// Halved because the values are doubled. Exponents are 120 below those of f32; 127 stands for zero.
fn small_float(byte: u32) -> f32 {
  let size = byte & 127u;
  let float = bitcast<f32>((size << 20u) + 0x3b800000u);
  return select(select(float, f32(size) * 0.0009765625, size < 8u), 0.0, byte == 127u);
}

fn load_block(row: u32, block: u32) -> Block {
  let two = scales[row * (K_BLOCKS / 2u) + block / 2u] >> (16u * (block & 1u));
  let scale = vec2f(small_float(two & 255u), small_float((two >> 8u) & 255u));
  return Block(scale, vec2f(), weights[row * K_BLOCKS + block]);
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  return fp4_of(block.quants[quad / 2u], quad);
}
