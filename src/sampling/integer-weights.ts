/** Limits of the sampling rules as the integers that the sampler on the GPU counts in. */
import type { SamplerParams } from './sampler-params.ts'

const TWO_32 = 2 ** 32

/** Weight of the best candidate. */
export const TOP_WEIGHT = 2 ** 31

/**
 * Limits of the rules as integers. They give way by 2^-22, so that cases which are ties in exact arithmetic, like top_p
 * 0.8 of the probabilities 0.5, 0.3, 0.1, 0.1, go the way of the definition.
 */
export interface Limits {
  /** Part of the weight that top_p may remove, in 2^-32. */
  readonly topP: number
  /** Least weight for min_p. */
  readonly minP: number
  /** Part of the weight that typical_p keeps, in 2^-32. */
  readonly typicalP: number
  /** Least part of the weight, in 2^-32. */
  readonly epsilon: number
  readonly eta: number
  /** The square root of eta, in 2^-32. */
  readonly etaRoot: number
}

export function limitsOf(params: SamplerParams): Limits {
  const more = 1 + 2 ** -22
  const less = 1 - 2 ** -22
  return {
    topP: inWords((1 - params.top_p) * more),
    minP: Math.round(params.min_p * TOP_WEIGHT * less),
    typicalP: inWords(params.typical_p * less),
    epsilon: inWords(params.epsilon_cutoff * less),
    eta: inWords(params.eta_cutoff * less),
    etaRoot: inWords(Math.sqrt(params.eta_cutoff) * less),
  }
}

function inWords(part: number): number {
  return Math.min(TWO_32 - 1, Math.round(part * TWO_32))
}
