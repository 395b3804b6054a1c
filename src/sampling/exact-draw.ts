/**
 * The exact twin of the GPU's sampler (`shaders/draw_*.wgsl`) on the CPU, for requests without rules on their history. It follows
 * the definition in `processors.ts` in integers, within 1e-6, so that it and every GPU choose the same token.
 */
import { SAMPLER_SETTINGS as Layout } from '../gpu/shaders.gen.ts'
import { cleanScore, gapOf, shareOf, weightOf } from './exact-weights.ts'
import { type Limits, TOP_WEIGHT } from './integer-weights.ts'
import { argmax, ascending, kthLargest } from './order.ts'
import { pcg3d } from './random.ts'

/** The rules of sampling of one request, undefined those that it does not use. */
export interface DrawRules extends Readonly<Record<keyof Limits, number | undefined>> {
  /** Above 0, in f32. */
  readonly temperature: number
  /** 0 for all. */
  readonly topK: number
}

/** Ids that may still be chosen, ascending, with their scores at the temperature and their weights, none of them 0. */
export interface Weighed {
  readonly ids: Uint32Array
  readonly scores: Float32Array
  /** Integers up to 2^31; the probability is the weight over the sum of all. */
  readonly weights: Float64Array
}

/**
 * The token that the GPU chooses after these logits [V]: the best for requests that do not sample, `NO_TOKEN` where nothing is
 * left to choose.
 * @param settings of the request, as `packSettings` makes them
 * @param position of the row that the logits come from
 */
export function chooseToken(logits: Float32Array, settings: Uint32Array, position: number): number {
  const scores = logits.map(cleanScore)
  const best = argmax(scores)
  if (best < 0) return Layout.NO_TOKEN
  if ((settings[Layout.FLAGS]! & Layout.SAMPLE) === 0) return best
  const [low, high] = settings.subarray(Layout.SEED)
  const step = (position + 1 - settings[Layout.PROMPT_LENGTH]!) >>> 0
  return draw(weighCandidates(scores, packedRules(settings)), pcg3d(low!, high!, step)[0])
}

/** The rules that packed settings say. */
function packedRules(settings: Uint32Array): DrawRules {
  const flags = settings[Layout.FLAGS]!
  const floats = new Float32Array(settings.buffer, settings.byteOffset, settings.length)
  const used = (flag: number, word: number) => ((flags & flag) === 0 ? undefined : settings[word]!)
  return {
    temperature: floats[Layout.TEMPERATURE]!,
    topK: settings[Layout.TOP_K]!,
    topP: used(Layout.HAS_TOP_P, Layout.TOP_P),
    minP: used(Layout.HAS_MIN_P, Layout.MIN_P),
    typicalP: used(Layout.HAS_TYPICAL_P, Layout.TYPICAL_P),
    epsilon: used(Layout.HAS_EPSILON, Layout.EPSILON),
    eta: used(Layout.HAS_ETA, Layout.ETA),
    etaRoot: used(Layout.HAS_ETA, Layout.ETA_ROOT),
  }
}

/** The first id, in ascending order, at which the running sum of weights exceeds floor(total · word / 2^32). */
export function draw({ ids, weights }: Weighed, word: number): number {
  let left = shareOf(sum(weights), word)
  let i = 0
  while (weights[i]! <= left) left -= weights[i++]!
  return ids[i]!
}

/** What the sampling rules leave of clean scores [V], of which one is above -Infinity at least. */
export function weighCandidates(scores: Float32Array, rules: DrawRules): Weighed {
  const { topP: mass, minP, typicalP: typical, epsilon, eta, etaRoot } = rules
  let kept = scaledTopK(scores, rules)
  if (mass !== undefined) kept = topP(kept, mass)
  if (minP !== undefined) kept = retain(kept, (i) => kept.weights[i]! >= minP)
  if (typical !== undefined) kept = typicalP(kept, typical)
  if (epsilon !== undefined) kept = cutOff(kept, leastWeight(kept, epsilon))
  if (eta !== undefined && etaRoot !== undefined) {
    // sqrt(eta) · exp(-entropy), times the total: exp(-entropy) is exp(-mean gap) / total.
    const root = shareOf(weightOf(meanGap(kept)), etaRoot)
    kept = cutOff(kept, Math.min(leastWeight(kept, eta), root))
  }
  return kept
}

/** Scores s / temperature, rounded to f32; of these those not below the k-th largest. Ties stay. */
function scaledTopK(scores: Float32Array, { temperature, topK }: DrawRules): Weighed {
  const scaled = temperature === 1 ? scores : scores.map((s) => cleanScore(Math.fround(s / temperature)))
  const limit = topK > 0 && topK < scaled.length
  const threshold = limit ? kthLargest(scaled, topK) : -Infinity
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
  const top = topOf({ scores })
  const weights = Float64Array.from(scores, (score) => weightOf(gapOf(score, top)))
  const all = { ids, scores, weights }
  return retain(all, (i) => weights[i]! > 0)
}

/** Removes in ascending order of (score, id) while the running sum stays within the part that may go. */
function topP(all: Weighed, part: number): Weighed {
  const order = ascending(
    all.scores,
    all.ids.map((_, i) => i),
  )
  let left = shareOf(sum(all.weights), part)
  const gone = new Uint8Array(order.length)
  for (const i of order) {
    left -= all.weights[i]!
    if (left < 0) break
    gone[i] = 1
  }
  return retain(all, (i) => gone[i] === 0)
}

/** Keeps what is nearest to the mean gap up to the candidate that reaches the mass, and those just as near. */
function typicalP(all: Weighed, part: number): Weighed {
  const top = topOf(all)
  const mean = meanGap(all)
  const distances = all.scores.map((score) => Math.abs(gapOf(score, top) - mean))
  let left = shareOf(sum(all.weights), part)
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

function topOf({ scores }: Pick<Weighed, 'scores'>): number {
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
