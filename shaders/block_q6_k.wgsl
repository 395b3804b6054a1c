// provides: block
// needs: unpack
// GGUF Q6_K: w = d s (q - 32), q of 6 bits; super-blocks of 256 with a scale of 8 bits for each 16 inputs.
@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS], thirty-two inputs each
@group(0) @binding(3) var<storage, read> scales: array<u32>; // [N] rows of [K_BLOCKS / 8, 20] (two high bits, 8-bit scales), then one f16 d a super-block

const HAS_MINIMUM = true;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  quants: vec4u,
  high: vec2u,
}

fn load_block(row: u32, block: u32) -> Block {
  let supers = K_BLOCKS / 8u;
  let first = row * (supers * 20u + (supers + 1u) / 2u);
  let super_block = block / 8u;
  let at = first + super_block * 20u;
  let j = block & 7u;
  let two = scales[at + 16u + j / 2u] >> (16u * (j & 1u));
  let d = half_of(scales[first + supers * 20u + super_block / 2u], super_block);
  let scale = d * vec2f(bitcast<vec2i>(vec2u(two) << vec2u(24u, 16u)) >> vec2u(24u));
  let high = vec2u(scales[at + 2u * j], scales[at + 2u * j + 1u]);
  return Block(scale, 32.0 * scale, weights[row * K_BLOCKS + block], high);
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  return bytes_of(nibbles(block.quants[quad / 2u], quad) | (pairs(block.high[quad / 4u], quad) << 4u));
}
