// provides: groups
// Scales and zero points of rows that were quantized in groups of inputs. A row has its scales, then its zero points, of as
// many bits as a quant. Behind all rows stands the group of each input, where groups are not runs of inputs.
override GROUP_BLOCKS: u32; // blocks of 32 inputs in a group
override ROW_HALVES: u32; // 16-bit units of a row
override SCALE_TYPE: u32; // 0: f16, 1: bf16, 2: f32
override ZEROS_AT: u32; // bits of a row before its zero points
override ZERO_BITS: u32; // of each zero point; 0 where there are none
override ZERO: f32; // the zero point of all groups, or what is added to those that there are
override TABLES_AT: u32 = 0u; // 16-bit units before the groups of inputs
override TABLES: u32 = 0u; // rows take turns with so many of them

@group(0) @binding(3) var<storage, read> scales: array<u32>; // [N, ROW_HALVES / 2] and [TABLES, K_BLOCKS * 16]

fn unit_at(at: u32) -> u32 {
  return (scales[at / 2u] >> (16u * (at & 1u))) & 0xffffu;
}

fn group_scale(row: u32, group: u32) -> f32 {
  if (SCALE_TYPE == 2u) { return bitcast<f32>(scales[row * (ROW_HALVES / 2u) + group]); }
  let bits = unit_at(row * ROW_HALVES + group);
  if (SCALE_TYPE == 1u) { return bitcast<f32>(bits << 16u); }
  return unpack2x16float(bits).x;
}

fn group_zero(row: u32, group: u32) -> f32 {
  if (ZERO_BITS == 0u) { return ZERO; }
  let at = ZEROS_AT + group * ZERO_BITS;
  return ZERO + f32((unit_at(row * ROW_HALVES + at / 16u) >> (at & 15u)) & ((1u << ZERO_BITS) - 1u));
}

// Four quants as the numbers that they stand for, each by the group of its own input.
fn by_column(row: u32, quad: u32, quants: vec4f) -> vec4f {
  let at = (TABLES_AT + (row % max(TABLES, 1u)) * K_BLOCKS * 32u) / 2u + quad * 2u;
  let a = scales[at];
  let b = scales[at + 1u];
  let g = vec4u(a & 0xffffu, a >> 16u, b & 0xffffu, b >> 16u);
  let zeros = vec4f(group_zero(row, g.x), group_zero(row, g.y), group_zero(row, g.z), group_zero(row, g.w));
  return vec4f(group_scale(row, g.x), group_scale(row, g.y), group_scale(row, g.z), group_scale(row, g.w)) * (quants - zeros);
}
