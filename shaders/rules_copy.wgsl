// needs: sampler_math
// Copies the logits of outputs whose request has rules on the history, so that the rules leave the raw logits alone.
override QUADS: u32; // quads of a row that count
override STRIDE_QUADS: u32; // quads from one row to the next

const THREADS = 256u;

@group(0) @binding(0) var<storage, read> logits: array<vec4u>; // [outputs, STRIDE_QUADS] bits of f32
@group(0) @binding(1) var<storage, read_write> scores: array<vec4u>; // [outputs, STRIDE_QUADS]
@group(0) @binding(2) var<storage, read> rows: array<vec4u>; // [T] (sequence, position, output row, -)
@group(0) @binding(3) var<storage, read> settings: array<u32>; // [sequences, SETTINGS_WORDS]

@compute @workgroup_size(THREADS)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let sequence = rows[rows[id.y].z].x;
  if ((settings[sequence * SETTINGS_WORDS + FLAGS] & RULES) == 0u || id.x >= QUADS) { return; }
  let at = id.y * STRIDE_QUADS + id.x;
  scores[at] = logits[at];
}
