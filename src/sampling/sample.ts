import { parseSamplingParams, type SamplingInput, type SamplingParams } from './params.ts'
import { applyHistory, best, type Candidates, candidates, type SamplingContext } from './processors.ts'
import { randomSeed, type Seed, uniform } from './random.ts'
import { maximum, weight } from './warpers.ts'

/** Ids are summed in blocks of this many, so that the sum of a large vocabulary keeps its small terms in f32. */
export const BLOCK = 256

/**
 * Chooses the tokens of one request. It holds no state besides the seed: the number drawn depends on the seed and on
 * how many tokens were generated, so the same tokens always give the same choice, also after going back.
 */
export class Sampler {
  readonly params: SamplingParams
  /** The request's seed, or the random one taken in its place. */
  readonly seed: Seed
  readonly context: SamplingContext

  /** @throws ParameterError for bad parameters */
  constructor(params: SamplingInput | SamplingParams, context: SamplingContext) {
    this.params = parseSamplingParams(params)
    this.seed = this.params.seed ?? randomSeed()
    this.context = context
  }

  /**
   * @param logits raw logits [V] that follow the last of `tokens`; left as they are
   * @param tokens prompt and generated ids so far
   * @returns the next id
   * @throws MistralError when no token is left to choose
   */
  next(logits: Float32Array, tokens: readonly number[]): number {
    const step = tokens.length - this.context.promptLength
    return sampleToken(logits, tokens, this.params, this.context, uniform(this.seed, step))
  }
}

/**
 * One choice: the best id when not sampling (the lowest among equals; NaN never wins), else the one that `u`, in
 * [0, 1), falls on.
 */
export function sampleToken(
  logits: Float32Array,
  tokens: readonly number[],
  params: SamplingParams,
  context: SamplingContext,
  u: number,
): number {
  const scores = applyHistory(logits, tokens, params, context)
  return params.do_sample ? draw(candidates(scores, params), u) : best(scores)
}

/**
 * Inverse of the cumulative distribution, in an order of f32 operations that a shader can repeat:
 * w = exp(score - max); each block of 256 consecutive ids (id >> 8) is summed from its lowest id up; the block sums are
 * summed from the lowest block up to the total; the target is u · total. The block is the first whose running sum
 * exceeds the target, the token the first in it with (running sum before the block) + (sum inside the block) above it.
 * Removed ids weigh 0, so leaving them out changes no sum.
 */
export function draw(kept: Candidates, u: number): number {
  const { ids, scores } = kept
  const max = maximum(scores)
  const blocks: { start: number; end: number; before: number; after: number }[] = []
  let total = 0
  for (let i = 0; i < ids.length; ) {
    const block = Math.floor(ids[i]! / BLOCK)
    const start = i
    let sum = 0
    for (; i < ids.length && Math.floor(ids[i]! / BLOCK) === block; i++) {
      sum = Math.fround(sum + weight(scores[i]!, max))
    }
    const before = total
    total = Math.fround(total + sum)
    blocks.push({ start, end: i, before, after: total })
  }
  const target = Math.fround(u * total)
  // u < 1 rounds to a target below the total, so there is such a block, and its last sum is the one compared here.
  const block = blocks.find((b) => b.after > target)!
  let inside = 0
  let i = block.start
  for (; i < block.end - 1; i++) {
    inside = Math.fround(inside + weight(scores[i]!, max))
    if (Math.fround(block.before + inside) > target) break
  }
  return ids[i]!
}
