/** The exact twin of `shaders/logprobs.wgsl` on the CPU: what log-probabilities are made of, word for word. */
import { SAMPLER_SETTINGS as Layout, LOGPROBS } from '../gpu/shaders.gen.ts'
import { cleanScore, gapOf, weightOf } from './exact-weights.ts'
import { argmax, ascending, kthLargest } from './order.ts'

const TWO_32 = 2 ** 32

/**
 * The words that the kernel writes for one step, of the raw logits [V] and the token that was chosen.
 * @param settings of the request, as `packSettings` makes them, which wants log-probabilities
 */
export function logprobWords(logits: Float32Array, chosen: number, settings: Uint32Array): Uint32Array {
  const { HEAD, MOST } = LOGPROBS
  const words = new Uint32Array(HEAD + 2 * MOST)
  const floats = new Float32Array(words.buffer)
  const scores = logits.map(cleanScore)
  const top = scores[argmax(scores)] ?? -Infinity
  let total = 0
  for (const score of scores) if (score > -Infinity) total += weightOf(gapOf(score, top))
  words[0] = chosen
  floats[1] = scores[chosen] ?? -Infinity
  floats[2] = top
  words[3] = total % TWO_32
  words[4] = Math.floor(total / TWO_32)
  words.fill(Layout.NO_TOKEN, HEAD, HEAD + MOST)
  const count = Math.min(settings[Layout.TOP_LOGPROBS]! - 1, MOST)
  for (const [rank, id] of bestIds(scores, count).entries()) {
    words[HEAD + rank] = id
    floats[HEAD + MOST + rank] = scores[id]!
  }
  return words
}

/** Best first, the lower id first among equals. */
function bestIds(scores: Float32Array, count: number): Uint32Array {
  if (count === 0) return new Uint32Array()
  const threshold = kthLargest(scores, count)
  const ids: number[] = []
  for (const [id, score] of scores.entries()) if (score >= threshold && score > -Infinity) ids.push(id)
  return ascending(
    scores.map((score) => -score),
    ids,
  ).subarray(0, count)
}
