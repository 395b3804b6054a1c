// provides: share
// One block of a row of x, which each lane loads for itself: on every device.
struct Shared {
  x0: vec4f,
  x1: vec4f,
  x2: vec4f,
  x3: vec4f,
  x4: vec4f,
  x5: vec4f,
  x6: vec4f,
  x7: vec4f,
}

// The first row of x that a workgroup takes, which others follow.
fn first_row_of(group: u32) -> u32 {
  return group * ROWS;
}

fn load_shared(first: u32, row: u32, block: u32, lane: u32) -> Shared {
  let at = ((first + row) * K_BLOCKS + block) * 8u;
  return Shared(x[at], x[at + 1u], x[at + 2u], x[at + 3u], x[at + 4u], x[at + 5u], x[at + 6u], x[at + 7u]);
}

fn shared_quad(s: Shared, quad: u32) -> vec4f {
  switch quad {
    case 0u: { return s.x0 * X_SCALE; }
    case 1u: { return s.x1 * X_SCALE; }
    case 2u: { return s.x2 * X_SCALE; }
    case 3u: { return s.x3 * X_SCALE; }
    case 4u: { return s.x4 * X_SCALE; }
    case 5u: { return s.x5 * X_SCALE; }
    case 6u: { return s.x6 * X_SCALE; }
    default: { return s.x7 * X_SCALE; }
  }
}

// The sums of the inputs of each half.
fn shared_sums(s: Shared) -> vec2f {
  let one = vec4f(1.0);
  return vec2f(dot(s.x0 + s.x1 + s.x2 + s.x3, one), dot(s.x4 + s.x5 + s.x6 + s.x7, one));
}
