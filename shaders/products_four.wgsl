// provides: products
// What a block of four matrix rows adds to four outputs of one row of x, for kernels whose lanes make whole outputs.

// The blocks of four matrix rows.
struct Four {
  a: RowBlock,
  b: RowBlock,
  c: RowBlock,
  d: RowBlock,
}

fn load_four(row: u32, block: u32) -> Four {
  return Four(
    load_row_block(row, block),
    load_row_block(row + 1u, block),
    load_row_block(row + 2u, block),
    load_row_block(row + 3u, block),
  );
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
