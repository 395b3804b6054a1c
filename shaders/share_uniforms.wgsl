// provides: share
// As share_uniform has it for more rows than WebGPU promises uniforms for: a uniform holds several rows of x, and what goes into
// none of the twelve is read from x itself.
enable subgroups;

override QUADS: u32; // of a row of x
override X_QUADS: u32; // of all rows of x
override EACH: u32; // rows in a uniform
override UNIFORM_QUADS: u32; // of EACH rows
@group(0) @binding(9) var<uniform> x0: array<vec4f, UNIFORM_QUADS>; // [EACH, QUADS], rows EACH * 0 and on of the workgroup's
@group(0) @binding(10) var<uniform> x1: array<vec4f, UNIFORM_QUADS>; // [EACH, QUADS], rows EACH * 1 and on of the workgroup's
@group(0) @binding(11) var<uniform> x2: array<vec4f, UNIFORM_QUADS>; // [EACH, QUADS], rows EACH * 2 and on of the workgroup's
@group(0) @binding(12) var<uniform> x3: array<vec4f, UNIFORM_QUADS>; // [EACH, QUADS], rows EACH * 3 and on of the workgroup's
@group(0) @binding(13) var<uniform> x4: array<vec4f, UNIFORM_QUADS>; // [EACH, QUADS], rows EACH * 4 and on of the workgroup's
@group(0) @binding(14) var<uniform> x5: array<vec4f, UNIFORM_QUADS>; // [EACH, QUADS], rows EACH * 5 and on of the workgroup's
@group(0) @binding(15) var<uniform> x6: array<vec4f, UNIFORM_QUADS>; // [EACH, QUADS], rows EACH * 6 and on of the workgroup's
@group(0) @binding(16) var<uniform> x7: array<vec4f, UNIFORM_QUADS>; // [EACH, QUADS], rows EACH * 7 and on of the workgroup's
@group(0) @binding(17) var<uniform> x8: array<vec4f, UNIFORM_QUADS>; // [EACH, QUADS], rows EACH * 8 and on of the workgroup's
@group(0) @binding(18) var<uniform> x9: array<vec4f, UNIFORM_QUADS>; // [EACH, QUADS], rows EACH * 9 and on of the workgroup's
@group(0) @binding(19) var<uniform> x10: array<vec4f, UNIFORM_QUADS>; // [EACH, QUADS], rows EACH * 10 and on of the workgroup's
@group(0) @binding(20) var<uniform> x11: array<vec4f, UNIFORM_QUADS>; // [EACH, QUADS], rows EACH * 11 and on of the workgroup's

struct Shared {
  low: vec4f, // quad `lane`
  sums: f32, // of it, without X_SCALE
}

// What is bound as x begins with the first row of the workgroup.
fn first_row_of(group: u32) -> u32 {
  return (X_QUADS - arrayLength(&x)) / QUADS;
}

fn uniform_quad(row: u32, quad: u32) -> vec4f {
  let at = (row % EACH) * QUADS + quad;
  switch row / EACH {
    case 0u: { return x0[at]; }
    case 1u: { return x1[at]; }
    case 2u: { return x2[at]; }
    case 3u: { return x3[at]; }
    case 4u: { return x4[at]; }
    case 5u: { return x5[at]; }
    case 6u: { return x6[at]; }
    case 7u: { return x7[at]; }
    case 8u: { return x8[at]; }
    case 9u: { return x9[at]; }
    case 10u: { return x10[at]; }
    case 11u: { return x11[at]; }
    default: { return x[row * QUADS + quad]; }
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
