// provides: block
// GGUF IQ4_XS: w = d (s - 32) value(q) with the values of block_iq4_nl and a scale of 6 bits for each block of 32.
@group(0) @binding(2) var<storage, read> weights: array<vec4u>; // [N, K_BLOCKS], thirty-two inputs each
@group(0) @binding(3) var<storage, read> scales: array<u32>; // [N, K_BLOCKS / 8, 2] f16 d and two high bits of eight scales, their low nibbles

const HAS_MINIMUM = false;

struct Block {
  scale: vec2f, // of each half
  minimum: vec2f,
  quants: vec4u,
}

fn load_block(row: u32, block: u32) -> Block {
  let at = (row * (K_BLOCKS / 8u) + block / 8u) * 2u;
  let j = block & 7u;
  let high = (scales[at] >> (16u + 2u * j)) & 3u;
  let low = (scales[at + 1u] >> (4u * j)) & 15u;
  let scale = unpack2x16float(scales[at]).x * (f32(low | (high << 4u)) - 32.0);
  return Block(vec2f(scale), vec2f(), weights[row * K_BLOCKS + block]);
}

fn nibbles(word: u32, quad: u32) -> vec4u {
  return (vec4u(word) >> (vec4u(0u, 8u, 16u, 24u) + 4u * (quad & 1u))) & vec4u(15u);
}

// The sixteen values of ggml's kvalues_iq4nl, four signed bytes to a word: indexing by shifts needs no memory.
fn table_values(index: vec4u) -> vec4f {
  let third = (index & vec4u(4u)) != vec4u();
  let low = select(vec4u(0xbfad9881u), vec4u(0xf6eaddcfu), third);
  let high = select(vec4u(0x26190d01u), vec4u(0x71594535u), third);
  let word = select(low, high, index >= vec4u(8u));
  return vec4f(bitcast<vec4i>(word << (vec4u(24u) - 8u * (index & vec4u(3u)))) >> vec4u(24u));
}

fn block_quad(block: Block, quad: u32) -> vec4f {
  return table_values(nibbles(block.quants[quad / 2u], quad));
}
