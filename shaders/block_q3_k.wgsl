// provides: block
// needs: unpack
// GGUF Q3_K: w = d (s - 32) (q - 4), q of 3 bits; super-blocks of 256 with a scale of 6 bits for each 16 inputs.
@group(0) @binding(2) var<storage, read> weights: array<vec2u>; // [N, K_BLOCKS], thirty-two inputs each
@group(0) @binding(3) var<storage, read> scales: array<u32>; // [N] rows of [K_BLOCKS / 8, 11] (eight words of third bits, low nibbles and high bits of 16 scales), then one f16 d a super-block

const HAS_MINIMUM = true;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  quants: vec2u,
  third: u32,
}

fn load_block(row: u32, block: u32) -> Block {
  let supers = K_BLOCKS / 8u;
  let first = row * (supers * 11u + (supers + 1u) / 2u);
  let super_block = block / 8u;
  let at = first + super_block * 11u;
  let j = block & 7u;
  let d = half_of(scales[first + supers * 11u + super_block / 2u], super_block);
  let scale = d * (six_bits(scales[at + 8u + j / 4u], scales[at + 10u], j) - vec2f(32.0));
  return Block(scale, 4.0 * scale, weights[row * K_BLOCKS + block], scales[at + j]);
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  return bytes_of(pairs(block.quants[quad / 4u], quad) | (bits(block.third, quad) << 2u));
}
