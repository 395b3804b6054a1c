// provides: share
// One block of a row of x, of which each lane loads a part; the others get it by a broadcast, which costs a lane far less than
// a load does where lanes are those of a CPU. A workgroup is one subgroup, or a part of one.
enable subgroups;

struct Shared {
  low: vec4f, // quad `lane`
  high: vec4f, // quad `lane + 4` of four lanes
  sums: vec2f, // of each, without X_SCALE
}

// The first row of x that a workgroup takes, which others follow.
fn first_row_of(group: u32) -> u32 {
  return group * ROWS;
}

fn load_shared(first: u32, row: u32, block: u32, lane: u32) -> Shared {
  let at = ((first + row) * K_BLOCKS + block) * 8u + lane;
  let low = x[at];
  var high = vec4f();
  if (LANES == 4u) { high = x[at + 4u]; }
  let one = vec4f(1.0);
  return Shared(low * X_SCALE, high * X_SCALE, vec2f(dot(low, one), dot(high, one)));
}

fn shared_quad(s: Shared, quad: u32) -> vec4f {
  return subgroupShuffle(select(s.low, s.high, quad >= LANES), quad % LANES);
}

// The sums of the inputs of each half.
fn shared_sums(s: Shared) -> vec2f {
  let low = vec4f(
    subgroupBroadcast(s.sums.x, 0u), subgroupBroadcast(s.sums.x, 1u),
    subgroupBroadcast(s.sums.x, 2u), subgroupBroadcast(s.sums.x, 3u),
  );
  var high: vec4f;
  if (LANES == 4u) {
    high = vec4f(
      subgroupBroadcast(s.sums.y, 0u), subgroupBroadcast(s.sums.y, 1u),
      subgroupBroadcast(s.sums.y, 2u), subgroupBroadcast(s.sums.y, 3u),
    );
  } else {
    high = vec4f(
      subgroupBroadcast(s.sums.x, 4u), subgroupBroadcast(s.sums.x, 5u),
      subgroupBroadcast(s.sums.x, 6u), subgroupBroadcast(s.sums.x, 7u),
    );
  }
  return vec2f(low.x + low.y + low.z + low.w, high.x + high.y + high.z + high.w);
}
