// provides: block
// needs: unpack
// MXFP4: w = 2^(e - 127) value(q), 4-bit floats (E2M1) in blocks of 32 with a power of two (OCP Microscaling Formats 1.0).
@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS], thirty-two inputs each
@group(0) @binding(3) var<storage, read> scales: array<u32>; // [N * K_BLOCKS / 4] one byte e a block

const HAS_MINIMUM = false;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  quants: vec4u,
}

// 2^(e - 127), halved because the values are doubled; built from the bits of an f32, whose least exponent is -126.
fn power(e: u32) -> f32 {
  return bitcast<f32>(select((e - 1u) << 23u, 0x200000u << e, e < 2u));
}

fn load_block(row: u32, block: u32) -> Block {
  let at = row * K_BLOCKS + block;
  return Block(vec2f(power((scales[at / 4u] >> (8u * (at & 3u))) & 255u)), vec2f(), weights[at]);
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  return fp4_of(block.quants[quad / 2u], quad);
}
