// needs: rows, share, scale, start, emit
// One, four or eight rows of x times a weight matrix where a load costs as much as a dozen products, on the CPU: each lane
// makes four outputs by itself, and the lanes of a workgroup share what they load of x. group.y takes the next rows.
override FIRST: u32 = 0u; // the output that the first row of this matrix gives: others may stand before it
override N: u32; // outputs up to the last row of this matrix
override LANES: u32; // of the workgroup: 4 or 8
override ROWS: u32; // of x: 1, 4 or 8
override WORKGROUP: u32 = LANES;
override GROUP_ROWS: u32 = ROWS; // that one workgroup makes
const OUTPUTS = 4u; // that one lane keeps

@group(0) @binding(0) var<storage, read> x: array<vec4f>; // [T rounded up to 8, K_BLOCKS * 8]

// The blocks of four matrix rows.
struct Four {
  a: RowBlock,
  b: RowBlock,
  c: RowBlock,
  d: RowBlock,
}

// The same quad of four matrix rows, one in each row of the result.
fn columns(w: Four, quad: u32) -> mat4x4f {
  return transpose(mat4x4f(row_quad(w.a, quad), row_quad(w.b, quad), row_quad(w.c, quad), row_quad(w.d, quad)));
}

// All quads of a block.
struct Columns {
  q0: mat4x4f,
  q1: mat4x4f,
  q2: mat4x4f,
  q3: mat4x4f,
  q4: mat4x4f,
  q5: mat4x4f,
  q6: mat4x4f,
  q7: mat4x4f,
}

fn all_columns(w: Four) -> Columns {
  return Columns(
    columns(w, 0u), columns(w, 1u), columns(w, 2u), columns(w, 3u),
    columns(w, 4u), columns(w, 5u), columns(w, 6u), columns(w, 7u),
  );
}

fn add_products(sum: vec4f, m: mat4x4f, v: vec4f) -> vec4f {
  return fma(m[3], vec4f(v.w), fma(m[2], vec4f(v.z), fma(m[1], vec4f(v.y), fma(m[0], vec4f(v.x), sum))));
}

// The sums of a half of a block, or of a whole one, with its scale and minimum.
fn scaled(w: Four, half: u32, sum: vec4f, x: Shared) -> vec4f {
  let scale = vec4f(w.a.scale[half], w.b.scale[half], w.c.scale[half], w.d.scale[half]);
  if (!HAS_MINIMUM) { return scale * sum; }
  let inputs = shared_sums(x);
  let minimum = vec4f(w.a.minimum[half], w.b.minimum[half], w.c.minimum[half], w.d.minimum[half]);
  return scale * sum - minimum * select(inputs.x + inputs.y, inputs[half], HAS_HALVES);
}

// What a block adds to four outputs of one row. The quads stand one by one: in a loop, the sums of all rows would go through
// memory in every turn.
fn block_products(w: Four, m: Columns, x: Shared) -> vec4f {
  var sum = add_products(vec4f(), m.q0, shared_quad(x, 0u));
  sum = add_products(sum, m.q1, shared_quad(x, 1u));
  sum = add_products(sum, m.q2, shared_quad(x, 2u));
  sum = add_products(sum, m.q3, shared_quad(x, 3u));
  var low = vec4f();
  if (HAS_HALVES) {
    low = scaled(w, 0u, sum, x);
    sum = vec4f();
  }
  sum = add_products(sum, m.q4, shared_quad(x, 4u));
  sum = add_products(sum, m.q5, shared_quad(x, 5u));
  sum = add_products(sum, m.q6, shared_quad(x, 6u));
  sum = add_products(sum, m.q7, shared_quad(x, 7u));
  return low + scaled(w, 1u, sum, x);
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let col = (group.x * LANES + lane) * OUTPUTS;
  let first_row = first_row_of(group.y);
  var s: array<vec4f, 8>;
  for (var block = 0u; block < K_BLOCKS; block++) {
    let w = Four(
      load_row_block(col, block),
      load_row_block(col + 1u, block),
      load_row_block(col + 2u, block),
      load_row_block(col + 3u, block),
    );
    let m = all_columns(w);
    s[0] += block_products(w, m, load_shared(first_row, 0u, block, lane));
    if (ROWS > 1u) {
      s[1] += block_products(w, m, load_shared(first_row, 1u, block, lane));
      s[2] += block_products(w, m, load_shared(first_row, 2u, block, lane));
      s[3] += block_products(w, m, load_shared(first_row, 3u, block, lane));
    }
    if (ROWS > 4u) {
      s[4] += block_products(w, m, load_shared(first_row, 4u, block, lane));
      s[5] += block_products(w, m, load_shared(first_row, 5u, block, lane));
      s[6] += block_products(w, m, load_shared(first_row, 6u, block, lane));
      s[7] += block_products(w, m, load_shared(first_row, 7u, block, lane));
    }
  }
  measure_rows(first_row, lane);
  // That the number of turns is unknown to a compiler keeps it from unrolling them, and the sums in memory.
  for (var i = 0u; i < 2u * ROWS + group.z; i++) {
    let row = i / 2u;
    let kept = s[row];
    let pair = row_scale(row) * select(kept.xy, kept.zw, (i & 1u) == 1u);
    let output = col + 2u * (i & 1u);
    let first = start_pair(first_row + row, output);
    emit(first_row + row, FIRST + output, first.x + pair.x, first.y + pair.y);
  }
}
