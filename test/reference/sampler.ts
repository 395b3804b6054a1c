/**
 * The GPU's sampler with all of its rules on the CPU: those on the history as `processLogits` defines them, and the draw of
 * `src/sampling/exact-draw.ts`, its exact twin.
 */

import { type DrawRules, draw, type Weighed, weighCandidates as weigh } from '../../src/sampling/exact-draw.ts'
import { cleanScore } from '../../src/sampling/exact-weights.ts'
import { limitsOf } from '../../src/sampling/integer-weights.ts'
import { applyHistory, best, type SamplingContext } from '../../src/sampling/processors.ts'
import { randomSeed, randomWord, type Seed } from '../../src/sampling/random.ts'
import { parseRequestParams, type SamplingInput } from '../../src/sampling/request-params.ts'
import type { SamplerParams } from '../../src/sampling/sampler-params.ts'

export { draw }

/**
 * Chooses the tokens of one request. It holds no state besides the seed: the number drawn depends on the seed and on
 * how many tokens were generated, so the same tokens always give the same choice, also after going back.
 */
export class Sampler {
  readonly params: SamplerParams
  /** The request's seed, or the random one taken in its place. */
  readonly seed: Seed
  readonly context: SamplingContext

  /** @throws ParameterError for bad parameters */
  constructor(params: SamplingInput, context: SamplingContext) {
    this.params = parseRequestParams(params).sampler
    this.seed = this.params.seed ?? randomSeed()
    this.context = context
  }

  /**
   * @param logits raw logits [V] that follow the last of `tokens`; left as they are
   * @param tokens prompt and generated ids so far
   * @param mask bits of the tokens that a constraint lets in; undefined for all
   * @returns the next id
   * @throws MistralError when no token is left to choose
   */
  next(logits: Float32Array, tokens: readonly number[], mask?: Uint32Array): number {
    const step = tokens.length - this.context.promptLength
    return sampleToken(masked(logits, mask), tokens, this.params, this.context, randomWord(this.seed, step))
  }
}

/** The logits that a constraint leaves, before all other rules. */
export function masked(logits: Float32Array, mask: Uint32Array | undefined): Float32Array {
  return mask === undefined
    ? logits
    : logits.map((logit, id) => ((mask[id >>> 5]! >>> (id & 31)) & 1 ? logit : -Infinity))
}

/**
 * One choice: the best id when not sampling (the lowest among equals; NaN never wins), else the one that `word`, a u32,
 * falls on.
 */
export function sampleToken(
  logits: Float32Array,
  tokens: readonly number[],
  params: SamplerParams,
  context: SamplingContext,
  word: number,
): number {
  const scores = applyHistory(logits, tokens, params, context).map(cleanScore)
  return params.do_sample ? draw(weighCandidates(scores, params), word) : best(scores)
}

/** What the sampling rules leave of the scores [V] after {@link applyHistory}. */
export function weighCandidates(scores: Float32Array, params: SamplerParams): Weighed {
  // Refuses scores that hold nothing to choose.
  best(scores)
  return weigh(scores, rulesOf(params))
}

/** The rules that parameters say. */
function rulesOf(params: SamplerParams): DrawRules {
  const limits = limitsOf(params)
  const eta = params.eta_cutoff > 0
  return {
    temperature: Math.fround(params.temperature),
    topK: params.top_k,
    topP: params.top_p < 1 ? limits.topP : undefined,
    minP: params.min_p > 0 ? limits.minP : undefined,
    typicalP: params.typical_p < 1 ? limits.typicalP : undefined,
    epsilon: params.epsilon_cutoff > 0 ? limits.epsilon : undefined,
    eta: eta ? limits.eta : undefined,
    etaRoot: eta ? limits.etaRoot : undefined,
  }
}
