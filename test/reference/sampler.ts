/**
 * The exact twin of the GPU's sampler (`shaders/draw_*.wgsl`) on the CPU. `processLogits` defines the probabilities as
 * Hugging Face computes them; the twin follows it in integers, within 1e-6, so that it and every GPU choose the same token.
 */

import { type Limits, limitsOf, TOP_WEIGHT } from '../../src/sampling/integer-weights.ts'
import { ascending, kthLargest } from '../../src/sampling/order.ts'
import { applyHistory, best, type SamplingContext } from '../../src/sampling/processors.ts'
import { randomSeed, randomWord, type Seed } from '../../src/sampling/random.ts'
import { parseRequestParams, type SamplingInput } from '../../src/sampling/request-params.ts'
import type { SamplerParams } from '../../src/sampling/sampler-params.ts'
import { cleanScore, gapOf, shareOf, weightOf } from './integer-weights.ts'

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

/** Ids that may still be chosen, ascending, with their scores at the temperature and their weights, none of them 0. */
export interface Weighed {
  readonly ids: Uint32Array
  readonly scores: Float32Array
  /** Integers up to 2^31; the probability is the weight over the sum of all. */
  readonly weights: Float64Array
}

/** The first id, in ascending order, at which the running sum of weights exceeds floor(total · word / 2^32). */
export function draw({ ids, weights }: Weighed, word: number): number {
  let left = shareOf(sum(weights), word)
  let i = 0
  while (weights[i]! <= left) left -= weights[i++]!
  return ids[i]!
}

/** What the sampling rules leave of the scores [V] after {@link applyHistory}. */
export function weighCandidates(scores: Float32Array, params: SamplerParams): Weighed {
  // Refuses scores that hold nothing to choose.
  best(scores)
  const limits = limitsOf(params)
  let kept = scaledTopK(scores, params)
  if (params.top_p < 1) kept = topP(kept, limits)
  if (params.min_p > 0) kept = retain(kept, (i) => kept.weights[i]! >= limits.minP)
  if (params.typical_p < 1) kept = typicalP(kept, limits)
  if (params.epsilon_cutoff > 0) kept = cutOff(kept, leastWeight(kept, limits.epsilon))
  if (params.eta_cutoff > 0) {
    // sqrt(eta) · exp(-entropy), times the total: exp(-entropy) is exp(-mean gap) / total.
    const root = shareOf(weightOf(meanGap(kept)), limits.etaRoot)
    kept = cutOff(kept, Math.min(leastWeight(kept, limits.eta), root))
  }
  return kept
}

/** Scores s / temperature, rounded to f32; of these those not below the k-th largest. Ties stay. */
function scaledTopK(scores: Float32Array, params: SamplerParams): Weighed {
  const divisor = Math.fround(params.temperature)
  const scaled = divisor === 1 ? scores : scores.map((s) => cleanScore(Math.fround(s / divisor)))
  const limit = params.top_k > 0 && params.top_k < scaled.length
  const threshold = limit ? kthLargest(scaled, params.top_k) : -Infinity
  const ids: number[] = []
  for (let id = 0; id < scaled.length; id++) {
    if (scaled[id]! >= threshold && scaled[id]! > -Infinity) ids.push(id)
  }
  return weigh(
    Uint32Array.from(ids),
    Float32Array.from(ids, (id) => scaled[id]!),
  )
}

/** Weighs against the best of the scores; what weighs nothing is no candidate. */
function weigh(ids: Uint32Array, scores: Float32Array): Weighed {
  const top = scores.reduce((a, b) => Math.max(a, b), -Infinity)
  const weights = Float64Array.from(scores, (score) => weightOf(gapOf(score, top)))
  const all = { ids, scores, weights }
  return retain(all, (i) => weights[i]! > 0)
}

/** Removes in ascending order of (score, id) while the running sum stays within the part that may go. */
function topP(all: Weighed, { topP }: Limits): Weighed {
  const order = ascending(
    all.scores,
    all.ids.map((_, i) => i),
  )
  let left = shareOf(sum(all.weights), topP)
  const gone = new Uint8Array(order.length)
  for (const i of order) {
    left -= all.weights[i]!
    if (left < 0) break
    gone[i] = 1
  }
  return retain(all, (i) => gone[i] === 0)
}

/** Keeps what is nearest to the mean gap up to the candidate that reaches the mass, and those just as near. */
function typicalP(all: Weighed, { typicalP }: Limits): Weighed {
  const top = topOf(all)
  const mean = meanGap(all)
  const distances = all.scores.map((score) => Math.abs(gapOf(score, top) - mean))
  let left = shareOf(sum(all.weights), typicalP)
  let farthest = 0
  for (const i of ascending(
    distances,
    all.ids.map((_, at) => at),
  )) {
    farthest = distances[i]!
    left -= all.weights[i]!
    if (left <= 0) break
  }
  const kept = retain(all, (i) => distances[i]! <= farthest)
  // The best may be gone: weights are measured from what is the best now.
  return weigh(kept.ids, kept.scores)
}

function cutOff(all: Weighed, least: number): Weighed {
  const top = topOf(all)
  return retain(all, (i) => all.weights[i]! >= least || all.scores[i] === top)
}

/** A part of the total as a least weight. */
function leastWeight({ weights }: Weighed, part: number): number {
  return Math.min(shareOf(sum(weights), part), TOP_WEIGHT)
}

/**
 * The mean of the gaps under the probabilities: the entropy is this plus the logarithm of the total. In fixed point,
 * cut off to 24 bits, which f32 holds.
 */
function meanGap(all: Weighed): number {
  const top = topOf(all)
  let high = 0
  let low = 0
  for (const [i, weight] of all.weights.entries()) {
    const term = Math.floor((Math.floor(gapOf(all.scores[i]!, top) * 2 ** 22) * weight) / 256)
    high += Math.floor(term / 2 ** 32)
    low += term % 2 ** 32
  }
  const weighted = (BigInt(high) << 32n) + BigInt(low)
  let mean = Number((weighted << 24n) / BigInt(sum(all.weights)))
  let unit = 2 ** -38
  for (; mean >= 2 ** 24; unit *= 2) mean = Math.floor(mean / 2)
  return mean * unit
}

function topOf({ scores }: Weighed): number {
  return scores.reduce((a, b) => Math.max(a, b), -Infinity)
}

/** Exact: at most 2^18 weights of 2^31. */
function sum(weights: Float64Array): number {
  let total = 0
  for (let i = 0; i < weights.length; i++) total += weights[i]!
  return total
}

function retain(all: Weighed, keeps: (index: number) => boolean): Weighed {
  const kept: number[] = []
  for (let i = 0; i < all.ids.length; i++) if (keeps(i)) kept.push(i)
  return {
    ids: Uint32Array.from(kept, (i) => all.ids[i]!),
    scores: Float32Array.from(kept, (i) => all.scores[i]!),
    weights: Float64Array.from(kept, (i) => all.weights[i]!),
  }
}
