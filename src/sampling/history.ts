/**
 * The rules that look at the tokens so far and also hold for greedy decoding, as transformers 5.18
 * `generation/logits_process.py` defines them (frequency and presence penalty: OpenAI and vLLM). Each changes the
 * scores [V] in place. `tokens` are prompt and generated ids; ids outside the vocabulary are passed over.
 */

const f32 = Math.fround

type Sequence = readonly number[]

/** Adds a bias to the id that would complete a sequence; a sequence of one id always applies. The last duplicate wins. */
export function sequenceBias(
  scores: Float32Array,
  tokens: Sequence,
  biases: Iterable<readonly [Sequence, number]>,
): void {
  const unique = new Map<string, readonly [Sequence, number]>()
  for (const entry of biases) unique.set(entry[0].join(), entry)
  const sums = new Map<number, number>()
  for (const [ids, bias] of unique.values()) {
    const id = ids[ids.length - 1]!
    if (id < scores.length && endsWith(tokens, ids, ids.length - 1)) sums.set(id, f32((sums.get(id) ?? 0) + f32(bias)))
  }
  for (const [id, bias] of sums) scores[id] = scores[id]! + bias
}

/** Once for each distinct id of prompt and answer: s < 0 ? s·p : s/p. */
export function repetitionPenalty(scores: Float32Array, tokens: Sequence, penalty: number): void {
  const p = f32(penalty)
  for (const id of new Set(tokens)) {
    if (id < scores.length) scores[id] = scores[id]! < 0 ? scores[id]! * p : scores[id]! / p
  }
}

/** Bans every id that followed an earlier occurrence of the last n - 1 ids; n = 1 bans all that were seen. */
export function noRepeatNgram(scores: Float32Array, tokens: Sequence, n: number): void {
  const prefix = tokens.length - (n - 1)
  for (let start = 0; start + n <= tokens.length; start++) {
    let same = 0
    while (same < n - 1 && tokens[start + same] === tokens[prefix + same]) same++
    if (same === n - 1) ban(scores, tokens[start + n - 1]!)
  }
}

/** Bans the id that would complete a bad word. A bad word that is just an end of sequence is passed over. */
export function badWords(
  scores: Float32Array,
  tokens: Sequence,
  words: readonly Sequence[],
  eosTokenIds: Sequence,
): void {
  for (const word of words) {
    if (word.length === 1 && eosTokenIds.includes(word[0]!)) continue
    if (endsWith(tokens, word, word.length - 1)) ban(scores, word[word.length - 1]!)
  }
}

export function suppress(scores: Float32Array, ids: Sequence): void {
  for (const id of ids) ban(scores, id)
}

/** logit -= frequency · count, then -= presence · [count > 0]; only generated tokens count. */
export function countPenalties(
  scores: Float32Array,
  tokens: Sequence,
  promptLength: number,
  frequency: number,
  presence: number,
): void {
  const counts = new Map<number, number>()
  for (let i = promptLength; i < tokens.length; i++) counts.set(tokens[i]!, (counts.get(tokens[i]!) ?? 0) + 1)
  for (const [id, count] of counts) {
    if (id < scores.length) scores[id] = f32(scores[id]! - f32(f32(frequency) * count)) - f32(presence)
  }
}

function ban(scores: Float32Array, id: number): void {
  if (id < scores.length) scores[id] = -Infinity
}

/** Whether `tokens` end with the first `length` ids of `ids`. */
function endsWith(tokens: Sequence, ids: Sequence, length: number): boolean {
  const start = tokens.length - length
  if (start < 0) return false
  for (let i = 0; i < length; i++) if (tokens[start + i] !== ids[i]) return false
  return true
}
