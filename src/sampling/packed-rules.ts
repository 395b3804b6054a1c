/**
 * The rules on the history as packed settings say them: the twin of `shaders/rules_copy.wgsl` and `rules_scatter.wgsl` on the CPU,
 * equal to them bit for bit (results below 2^-126 aside).
 */
import { SAMPLER_SETTINGS as Layout } from '../gpu/shaders.gen.ts'
import { countPenalties, noRepeatNgram, repetitionPenalty, suppress } from './history.ts'
import type { PackedParams } from './packed-params.ts'

/**
 * The scores [V] that these logits [V] become; the logits are left as they are.
 * @param tokens prompt and answer up to the row of the logits
 * @param mask bits of the tokens that may come, at least V; undefined for all
 */
export function ruledScores(
  logits: Float32Array,
  tokens: readonly number[],
  { settings, lists }: Pick<PackedParams, 'settings' | 'lists'>,
  mask?: Uint32Array,
): Float32Array {
  const scores =
    mask === undefined ? logits.slice() : logits.map((logit, id) => (isAllowed(mask, id) ? logit : -Infinity))
  const floats = new Float32Array(settings.buffer, settings.byteOffset, settings.length)
  const listed = (at: number) => lists.subarray(settings[at]!, settings[at]! + settings[at + 1]!)
  addBiases(scores, settings, lists)
  for (const group of listed(Layout.BIASED)) {
    const { id, sum } = groupOf(lists, group, tokens)
    if (sum !== undefined && id < scores.length) scores[id] = scores[id]! + sum
  }
  const repetition = floats[Layout.REPETITION]!
  if (repetition !== 1) repetitionPenalty(scores, tokens, repetition)
  const size = settings[Layout.NGRAM]!
  if (size > 0) noRepeatNgram(scores, tokens, size)
  for (const group of listed(Layout.WORDS)) {
    const { id, sum } = groupOf(lists, group, tokens)
    if (sum !== undefined) suppress(scores, [id])
  }
  if (tokens.length < settings[Layout.SHORT_BELOW]!) suppress(scores, [...listed(Layout.ENDS)])
  suppress(scores, [...listed(Layout.BANS)])
  if ((settings[Layout.FLAGS]! & Layout.COUNTS) !== 0) {
    const { FREQUENCY, PRESENCE, PROMPT_LENGTH } = Layout
    countPenalties(scores, tokens, settings[PROMPT_LENGTH]!, floats[FREQUENCY]!, floats[PRESENCE]!)
  }
  return scores
}

function isAllowed(mask: Uint32Array, id: number): boolean {
  return ((mask[id >>> 5]! >>> (id & 31)) & 1) === 1
}

function addBiases(scores: Float32Array, settings: Uint32Array, lists: Uint32Array): void {
  const first = settings[Layout.BIASES]!
  for (let i = 0; i < settings[Layout.BIASES + 1]!; i++) {
    const id = lists[first + 2 * i]!
    if (id < scores.length) scores[id] = scores[id]! + floatOf(lists[first + 2 * i + 1]!)
  }
}

/** The last id of a group of sequences, and the sum of the biases of those that it would complete; undefined where it completes none. */
function groupOf(lists: Uint32Array, at: number, tokens: readonly number[]): { id: number; sum: number | undefined } {
  let sum: number | undefined
  let word = at + 2
  for (let entry = 0; entry < lists[at + 1]!; entry++) {
    const before = lists.subarray(word + 2, word + 2 + lists[word]!)
    if (endWith(tokens, before)) sum = Math.fround((sum ?? 0) + floatOf(lists[word + 1]!))
    word += 2 + before.length
  }
  return { id: lists[at]!, sum }
}

function endWith(tokens: readonly number[], ids: Uint32Array): boolean {
  const start = tokens.length - ids.length
  return start >= 0 && ids.every((id, i) => tokens[start + i] === id)
}

const bits = new Uint32Array(1)
const float = new Float32Array(bits.buffer)

function floatOf(word: number): number {
  bits[0] = word
  return float[0]!
}
