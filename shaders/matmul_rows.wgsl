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

// The same quad of four matrix rows, one in each row of the result.
fn columns(w: Four, quad: u32) -> mat4x4f {
  return transpose(mat4x4f(row_quad(w.a, quad), row_quad(w.b, quad), row_quad(w.c, quad), row_quad(w.d, quad)));
}

// The blocks of four matrix rows.
struct Four {
  a: RowBlock,
  b: RowBlock,
  c: RowBlock,
  d: RowBlock,
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

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let col = (group.x * LANES + lane) * OUTPUTS;
  let first_row = group.y * ROWS;
  var s: array<vec4f, 8>;
  for (var block = 0u; block < K_BLOCKS; block++) {
    let w = Four(
      load_row_block(col, block),
      load_row_block(col + 1u, block),
      load_row_block(col + 2u, block),
      load_row_block(col + 3u, block),
    );
    var x0: Shared;
    var x1: Shared;
    var x2: Shared;
    var x3: Shared;
    var x4: Shared;
    var x5: Shared;
    var x6: Shared;
    var x7: Shared;
    x0 = load_shared(first_row, block, lane);
    if (ROWS > 1u) {
      x1 = load_shared(first_row + 1u, block, lane);
      x2 = load_shared(first_row + 2u, block, lane);
      x3 = load_shared(first_row + 3u, block, lane);
    }
    if (ROWS > 4u) {
      x4 = load_shared(first_row + 4u, block, lane);
      x5 = load_shared(first_row + 5u, block, lane);
      x6 = load_shared(first_row + 6u, block, lane);
      x7 = load_shared(first_row + 7u, block, lane);
    }
    var r0 = vec4f();
    var r1 = vec4f();
    var r2 = vec4f();
    var r3 = vec4f();
    var r4 = vec4f();
    var r5 = vec4f();
    var r6 = vec4f();
    var r7 = vec4f();
    for (var quad = 0u; quad < 8u; quad++) {
      let m = columns(w, quad);
      r0 = add_products(r0, m, shared_quad(x0, quad));
      if (ROWS > 1u) {
        r1 = add_products(r1, m, shared_quad(x1, quad));
        r2 = add_products(r2, m, shared_quad(x2, quad));
        r3 = add_products(r3, m, shared_quad(x3, quad));
      }
      if (ROWS > 4u) {
        r4 = add_products(r4, m, shared_quad(x4, quad));
        r5 = add_products(r5, m, shared_quad(x5, quad));
        r6 = add_products(r6, m, shared_quad(x6, quad));
        r7 = add_products(r7, m, shared_quad(x7, quad));
      }
      if (HAS_HALVES && quad == 3u) {
        s[0] += scaled(w, 0u, r0, x0);
        if (ROWS > 1u) {
          s[1] += scaled(w, 0u, r1, x1);
          s[2] += scaled(w, 0u, r2, x2);
          s[3] += scaled(w, 0u, r3, x3);
        }
        if (ROWS > 4u) {
          s[4] += scaled(w, 0u, r4, x4);
          s[5] += scaled(w, 0u, r5, x5);
          s[6] += scaled(w, 0u, r6, x6);
          s[7] += scaled(w, 0u, r7, x7);
        }
        r0 = vec4f();
        r1 = vec4f();
        r2 = vec4f();
        r3 = vec4f();
        r4 = vec4f();
        r5 = vec4f();
        r6 = vec4f();
        r7 = vec4f();
      }
    }
    s[0] += scaled(w, 1u, r0, x0);
    if (ROWS > 1u) {
      s[1] += scaled(w, 1u, r1, x1);
      s[2] += scaled(w, 1u, r2, x2);
      s[3] += scaled(w, 1u, r3, x3);
    }
    if (ROWS > 4u) {
      s[4] += scaled(w, 1u, r4, x4);
      s[5] += scaled(w, 1u, r5, x5);
      s[6] += scaled(w, 1u, r6, x6);
      s[7] += scaled(w, 1u, r7, x7);
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
