// needs: weights, start
// The second half of a low-rank update (Hu et al. 2021, LoRA): what the matrix B of an adapter makes of the sums of
// lora_down, added to what outputs begin at anyway. B lies transposed, so that neighbouring threads read neighbouring words;
// one thread makes a pair of outputs. The slot ~0 stands for every row, which with no sums begins as without adapters.
override FIRST: u32 = 0u; // the output that the first one here is in the whole matrix
override N: u32; // outputs up to the last one here
override STRIDE: u32; // elements from one row of y to the next
override SECOND: u32 = 0xffffffffu; // the first output of the second part
override THIRD: u32 = 0xffffffffu; // and of the third
override INTERLEAVED: bool = false; // even outputs are of the first part, odd ones of the second
override GATHER: bool = false; // rows of x are output rows
const OUTPUTS = 128u; // of a workgroup

@group(0) @binding(0) var<storage, read> x: array<vec4f>; // [T, quads] as lora_down leaves them
@group(0) @binding(1) var<storage, read_write> y: array<vec2f>; // [T, STRIDE / 2]
@group(0) @binding(4) var<storage, read> rows: array<vec4u>; // [T] (sequence, -, output row, -)
@group(0) @binding(5) var<storage, read> slots: array<u32>; // [sequences] the adapter of each
@group(0) @binding(6) var<storage, read> adapter: array<vec4u>; // [2] (slot, quads, quads of a part, -), scale of each part

@compute @workgroup_size(OUTPUTS / 2u)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y;
  let col = FIRST + id.x * 2u;
  var source = row;
  if (GATHER) { source = rows[row].z; }
  let slot = adapter[0].x;
  if (col >= N || (slot != 0xffffffffu && slots[rows[source].x] != slot)) { return; }
  var sum = start_pair(row, id.x * 2u);
  let quads = adapter[0].z;
  var even = row * adapter[0].y + quads * (u32(col >= SECOND) + u32(col >= THIRD));
  var odd = even;
  if (INTERLEAVED) { odd += quads; }
  for (var quad = 0u; quad < quads; quad++) {
    let a = x[even + quad];
    let b = x[odd + quad];
    for (var i = 0u; i < 4u; i++) {
      let weights4 = weight_quad(4u * quad + i, col / 4u);
      sum += vec2f(a[i], b[i]) * select(weights4.xy, weights4.zw, col % 4u == 2u);
    }
  }
  y[(row * STRIDE + col) / 2u] = sum;
}
