// provides: share
// As share_subgroup has it for eight lanes, with each row of x bound as a uniform. Lavapipe loads what lanes take of a storage
// buffer one by one, with a branch for the lane and one for the bounds of each word, and of a uniform buffer without.
enable subgroups;

override QUADS: u32; // of a row of x
override X_QUADS: u32; // of all rows of x
@group(0) @binding(9) var<uniform> x0: array<vec4f, QUADS>; // [QUADS], row 0 of the workgroup's
@group(0) @binding(10) var<uniform> x1: array<vec4f, QUADS>; // [QUADS], row 1 of the workgroup's
@group(0) @binding(11) var<uniform> x2: array<vec4f, QUADS>; // [QUADS], row 2 of the workgroup's
@group(0) @binding(12) var<uniform> x3: array<vec4f, QUADS>; // [QUADS], row 3 of the workgroup's
@group(0) @binding(13) var<uniform> x4: array<vec4f, QUADS>; // [QUADS], row 4 of the workgroup's
@group(0) @binding(14) var<uniform> x5: array<vec4f, QUADS>; // [QUADS], row 5 of the workgroup's
@group(0) @binding(15) var<uniform> x6: array<vec4f, QUADS>; // [QUADS], row 6 of the workgroup's
@group(0) @binding(16) var<uniform> x7: array<vec4f, QUADS>; // [QUADS], row 7 of the workgroup's

struct Shared {
  low: vec4f, // quad `lane`
  sums: f32, // of it, without X_SCALE
}

// What is bound as x begins with the first row of the workgroup.
fn first_row_of(group: u32) -> u32 {
  return (X_QUADS - arrayLength(&x)) / QUADS;
}

fn uniform_quad(row: u32, quad: u32) -> vec4f {
  switch row {
    case 0u: { return x0[quad]; }
    case 1u: { return x1[quad]; }
    case 2u: { return x2[quad]; }
    case 3u: { return x3[quad]; }
    case 4u: { return x4[quad]; }
    case 5u: { return x5[quad]; }
    case 6u: { return x6[quad]; }
    default: { return x7[quad]; }
  }
}

fn load_shared(first: u32, row: u32, block: u32, lane: u32) -> Shared {
  let low = uniform_quad(row, block * 8u + lane);
  return Shared(low * X_SCALE, dot(low, vec4f(1.0)));
}

fn shared_quad(s: Shared, quad: u32) -> vec4f {
  return subgroupShuffle(s.low, quad);
}

// The sums of the inputs of each half.
fn shared_sums(s: Shared) -> vec2f {
  let low = vec4f(
    subgroupBroadcast(s.sums, 0u), subgroupBroadcast(s.sums, 1u),
    subgroupBroadcast(s.sums, 2u), subgroupBroadcast(s.sums, 3u),
  );
  let high = vec4f(
    subgroupBroadcast(s.sums, 4u), subgroupBroadcast(s.sums, 5u),
    subgroupBroadcast(s.sums, 6u), subgroupBroadcast(s.sums, 7u),
  );
  return vec2f(low.x + low.y + low.z + low.w, high.x + high.y + high.z + high.w);
}
