// needs: weights, emit
// The table's row of the token that stands at the row's position. One thread per four elements. Of a table in several pieces
// each has some of the tokens, and leaves the rows of the others alone.
override N: u32; // elements of a row
override POSITIONS: u32; // tokens that one sequence has room for
override FIRST: u32 = 0u; // the token of the piece's first row
override TOKENS: u32 = 0xffffffffu; // that the piece has rows for

const THREADS = 64u;

@group(0) @binding(0) var<storage, read> history: array<u32>; // [sequences, POSITIONS]
@group(0) @binding(1) var<storage, read> places: array<vec4u>; // [T] (sequence, position, -, -)

// What parts for weights make products with: here there are none.
var<private> x: array<vec4f, 1>;

@compute @workgroup_size(THREADS)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let col = id.x * 4u;
  if (col >= N) { return; }
  let token = history[places[id.y].x * POSITIONS + places[id.y].y];
  if (token - FIRST >= TOKENS) { return; }
  let elements = weight_quad(token - FIRST, id.x);
  emit(id.y, col, elements.x, elements.y);
  emit(id.y, col + 2u, elements.z, elements.w);
}
