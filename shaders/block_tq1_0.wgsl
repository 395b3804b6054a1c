// provides: block
// needs: unpack
// GGUF TQ1_0: w = d (q - 1), q a digit to base 3; one f16 d for 256 inputs. A byte holds up to five digits: it is a fraction
// of 256, and digit n is what stands before the point of it times 3^(n + 1), modulo 3.
@group(0) @binding(2) var<storage, read> weights: array<u32>; // [N] rows of [K_BLOCKS / 8, 13]: twenty inputs of each block, ten more of two blocks each, the last two of all
@group(0) @binding(3) var<storage, read> scales: array<u32>; // [N] rows of one f16 d a super-block

const HAS_MINIMUM = true;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  words: vec3u,
}

fn load_block(row: u32, block: u32) -> Block {
  let super_block = block / 8u;
  let j = block & 7u;
  let d = vec2f(half_of(scales[row * ((K_BLOCKS / 8u + 1u) / 2u) + super_block / 2u], super_block));
  let at = (row * (K_BLOCKS / 8u) + super_block) * 13u;
  let ten = weights[at + 8u + j / 2u] >> (16u * (j & 1u));
  // Of the last byte, blocks of even number have the first two digits, others the next.
  let last = (((weights[at + 12u] >> (8u * (j / 2u))) & 255u) * select(1u, 9u, (j & 1u) == 1u)) & 255u;
  return Block(d, d, vec3u(weights[at + j], ten, last));
}

// What stands before the point of `fractions`, modulo 3.
fn digits(fractions: vec4f, times: vec4f) -> vec4f {
  return floor(fractions * times * 3.0) - 3.0 * floor(fractions * times);
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  if (quad < 5u) {
    let times = select(1.0, 3.0, (quad & 1u) > 0u) * select(1.0, 9.0, (quad & 2u) > 0u) * select(1.0, 81.0, quad == 4u);
    return digits(bytes_of(block.words.x) / 256.0, vec4f(times));
  }
  let bytes = bytes_of((block.words.y & 0xffffu) | (block.words.z << 16u)) / 256.0;
  if (quad == 7u) { return digits(bytes.xyzz, vec4f(81.0, 81.0, 1.0, 3.0)); }
  return digits(vec4f(select(bytes.x, bytes.y, quad == 6u)), vec4f(1.0, 3.0, 9.0, 27.0));
}
