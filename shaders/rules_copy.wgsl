// needs: sampler_math
// Copies the logits of outputs whose request has rules, so that the rules leave the raw logits alone. A constraint is the
// first of the rules: tokens that are not in the mask of the output are left out. From a position on, which a batch of several
// steps gives, that is the output's second mask. Or the output has a course of stages with masks of their own: each step comes to
// the stage that the token before leads to.
override QUADS: u32; // quads of a row that count
override STRIDE_QUADS: u32; // quads from one row to the next
override MASK_WORDS: u32; // words of one mask
override LATER: u32; // words before the second masks
override SINCE: u32; // words before the positions from which those count
override COURSES: u32; // words before the courses of the outputs
override STAGES: u32; // words before the stages
override MOVES: u32; // words before the moves
override SLOTS: u32; // words before the masks of stages
override POSITIONS: u32; // tokens that the history of a sequence holds

const THREADS = 256u;
const COURSE_WORDS = 4u; // the position of its first row plus 1, or 0 for none; its first stage; the stages of two steps
const STAGE_WORDS = 3u; // first move, count of moves, slot of the mask

@group(0) @binding(0) var<storage, read> logits: array<vec4u>; // [outputs, STRIDE_QUADS] bits of f32
@group(0) @binding(1) var<storage, read_write> scores: array<vec4u>; // [outputs, STRIDE_QUADS]
@group(0) @binding(2) var<storage, read> rows: array<vec4u>; // [T] (sequence, position, output row, -)
@group(0) @binding(3) var<storage, read> settings: array<u32>; // [sequences, SETTINGS_WORDS]
@group(0) @binding(4) var<storage, read_write> masks: array<u32>; // [2, outputs, MASK_WORDS] bits of the tokens that may come; [outputs] positions, 0: none; then what sampler.ts says of courses
@group(0) @binding(5) var<storage, read> history: array<u32>; // [sequences, POSITIONS]

// The stage of an output whose row is at a position, from that of the row before and its token. All threads come to the same one.
fn stage_of(output: u32, row: vec4u) -> u32 {
  let at = COURSES + output * COURSE_WORDS;
  if (row.y + 1u <= masks[at]) { return masks[at + 1u]; }
  let before = masks[at + 2u + ((row.y + 1u) & 1u)];
  let token = history[row.x * POSITIONS + row.y];
  // Its moves, by token: the first that is not below is looked for.
  var low = masks[STAGES + before * STAGE_WORDS];
  let end = low + masks[STAGES + before * STAGE_WORDS + 1u];
  var high = end;
  while (low < high) {
    let middle = (low + high) / 2u;
    let below = masks[MOVES + 2u * middle] < token;
    low = select(low, middle + 1u, below);
    high = select(middle, high, below);
  }
  if (low < end && masks[MOVES + 2u * low] == token) { return masks[MOVES + 2u * low + 1u]; }
  return before;
}

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
    var first = id.y * MASK_WORDS + select(0u, LATER, since > 0u && row.y >= since);
    let course = COURSES + id.y * COURSE_WORDS;
    if (masks[course] > 0u) {
      let stage = stage_of(id.y, row);
      first = SLOTS + masks[STAGES + stage * STAGE_WORDS + 2u] * MASK_WORDS;
      // For the next step, which reads no other: those of two steps lie side by side.
      if (id.x == 0u) { masks[course + 2u + (row.y & 1u)] = stage; }
    }
    let mask = masks[first + id.x / 8u] >> (4u * (id.x % 8u));
    let allowed = (vec4u(mask) & vec4u(1u, 2u, 4u, 8u)) != vec4u(0u);
    bits = select(vec4u(MINUS_INFINITY), bits, allowed);
  }
  scores[at] = bits;
}
