// needs: sampler_math, draw_rules
// Chooses among the candidates of shortlist, one thread for each. Nothing is sorted and nothing scanned: each candidate adds
// up by itself what comes before it in the order of a rule, and knows whether it stays. Weights are integers, so all
// threads agree. Few barriers: compilers of software adapters take seconds for code with many.
override V: u32; // ids that may be chosen
override POSITIONS: u32; // tokens that the history of a sequence holds
override LIST: u32; // candidates that the list holds, threads

@group(0) @binding(0) var<storage, read> shortlist: array<u32>; // [outputs, SHORTLIST_HEAD + 2 LIST] as shortlist.wgsl leaves it
@group(0) @binding(2) var<storage, read_write> rows: array<u32>; // [T, 4] (sequence, position, output row, -)
@group(0) @binding(3) var<storage, read> settings: array<u32>; // [sequences, SETTINGS_WORDS]
@group(0) @binding(4) var<storage, read_write> history: array<u32>; // [sequences, POSITIONS]

var<workgroup> head: array<u32, SHORTLIST_HEAD>;
var<workgroup> ids: array<u32, LIST>;
var<workgroup> keys: array<u32, LIST>; // 0: gone
var<workgroup> gaps: array<f32, LIST>;
var<workgroup> weights: array<u32, LIST>;

@compute @workgroup_size(LIST)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let lists = group.x * (SHORTLIST_HEAD + 2u * LIST);
  // The list may be bound for writing too, and then only this is known to be the same for all threads.
  if (thread < SHORTLIST_HEAD) { head[thread] = shortlist[lists + thread]; }
  let known = workgroupUniformLoad(&head);
  let count = min(known[0], LIST);
  let sequence = known[3];
  let position = known[4];
  let at = sequence * SETTINGS_WORDS;
  let zero = settings[at + ZERO];
  let step = position + 1u - settings[at + PROMPT_LENGTH];
  let target_at = sequence * POSITIONS + position + 1u;

  let id = select(NO_TOKEN, shortlist[lists + SHORTLIST_HEAD + thread], thread < count);
  var key = select(0u, shortlist[lists + SHORTLIST_HEAD + LIST + thread], thread < count);
  if (thread == 0u) {
    rows[known[5] * 4u + 1u] = position + 1u;
    // For those who do not draw, and for those who have nothing to draw from.
    var choice = known[2];
    if (known[0] > LIST) { choice = LIST_TOO_SHORT; }
    if (position + 1u < POSITIONS) { history[target_at] = choice; }
  }
  if ((settings[at + FLAGS] & SAMPLE) == 0u || known[0] > LIST || count == 0u || position + 1u >= POSITIONS) {
    return;
  }
  ids[thread] = id;
  // Of most requests the list is short: what lies beyond takes part in barriers only.
  let listed = thread < count;
  for (var rule = RULE_TOP_K; rule <= DRAW; rule++) {
    if (!applies(rule, at)) { continue; }
    keys[thread] = key;
    workgroupBarrier();
    var top = 0u;
    var gap = 0.0;
    var weight = 0u;
    if (listed) {
      for (var i = 0u; i < count; i++) { top = max(top, keys[i]); }
      gap = gap_of(key, top, zero);
      weight = select(weight_of_gap(gap, zero), 0u, key == 0u);
      gaps[thread] = gap;
      weights[thread] = weight;
    }
    workgroupBarrier();

    if (listed) {
      var total = vec2u(0u);
      var mean = 0.0;
      for (var i = 0u; i < count; i++) { total = add64(total, vec2u(weights[i], 0u)); }
      if (rule == RULE_TYPICAL_P || rule == RULE_ETA) {
        var gap_sum = vec2u(0u);
        for (var i = 0u; i < count; i++) { gap_sum = add64(gap_sum, weighted(gaps[i], weights[i])); }
        mean = mean_of(gap_sum, total);
      }
      let goal = goal_of(rule, at, total, step);
      let distance = abs(gap - mean);
      var before = vec2u(0u);
      for (var i = 0u; i < count; i++) {
        var counts = false;
        var measure = weights[i];
        switch rule {
          case RULE_TOP_K: {
            counts = keys[i] > key;
            measure = 1u;
          }
          case RULE_TOP_P: { counts = keys[i] < key || (keys[i] == key && ids[i] < id); }
          case RULE_TYPICAL_P: { counts = abs(gaps[i] - mean) < distance; }
          default: { counts = ids[i] < id; }
        }
        before = add64(before, vec2u(select(0u, measure, counts), 0u));
      }
      let through = less64(goal, add64(before, vec2u(weight, 0u)));
      switch rule {
        case RULE_TOP_K: { if (less64(goal, before)) { key = 0u; } }
        case RULE_TOP_P: { if (!through) { key = 0u; } }
        case RULE_TYPICAL_P: { if (weight == 0u || less64(goal, before)) { key = 0u; } }
        case DRAW: { if (through && !less64(goal, before)) { history[target_at] = id; } }
        default: { if (weight < least_of(rule, at, total, mean, zero) && key != top) { key = 0u; } }
      }
    }
    workgroupBarrier();
  }
}
