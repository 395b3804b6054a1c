// needs: sampler_math
// Copies the logits of outputs whose request has rules, so that the rules leave the raw logits alone. A constraint is the
// first of the rules: tokens that are not in the mask of the output are left out. From a position on, which a batch of several
// steps gives, that is the output's second mask.
override QUADS: u32; // quads of a row that count
override STRIDE_QUADS: u32; // quads from one row to the next
override MASK_WORDS: u32; // words of one mask
override LATER: u32; // words before the second masks
override SINCE: u32; // words before the positions from which those count

const THREADS = 256u;

@group(0) @binding(0) var<storage, read> logits: array<vec4u>; // [outputs, STRIDE_QUADS] bits of f32
@group(0) @binding(1) var<storage, read_write> scores: array<vec4u>; // [outputs, STRIDE_QUADS]
@group(0) @binding(2) var<storage, read> rows: array<vec4u>; // [T] (sequence, position, output row, -)
@group(0) @binding(3) var<storage, read> settings: array<u32>; // [sequences, SETTINGS_WORDS]
@group(0) @binding(4) var<storage, read> masks: array<u32>; // [2, outputs, MASK_WORDS] bits of the tokens that may come; [outputs] positions, 0: none

@compute @workgroup_size(THREADS)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = rows[rows[id.y].z];
  let sequence = row.x;
  let flags = settings[sequence * SETTINGS_WORDS + FLAGS];
  if ((flags & RULES) == 0u || id.x >= QUADS) { return; }
  let at = id.y * STRIDE_QUADS + id.x;
  var bits = logits[at];
  if ((flags & MASKED) != 0u) {
    let since = masks[SINCE + id.y];
    let first = id.y * MASK_WORDS + select(0u, LATER, since > 0u && row.y >= since);
    let mask = masks[first + id.x / 8u] >> (4u * (id.x % 8u));
    let allowed = (vec4u(mask) & vec4u(1u, 2u, 4u, 8u)) != vec4u(0u);
    bits = select(vec4u(MINUS_INFINITY), bits, allowed);
  }
  scores[at] = bits;
}
