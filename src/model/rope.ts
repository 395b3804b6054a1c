/** Rotary position embedding: its frequencies, their scalings as both formats write them, and the angles for the GPU. */
import { ROPE_FINE } from '../kernels/attention.ts'

/** A change of the rotary frequencies that is implemented. */
export type RopeScaling =
  | { readonly type: 'linear'; readonly factor: number }
  | { readonly type: 'dynamic'; readonly factor: number }
  | {
      readonly type: 'llama3'
      readonly factor: number
      readonly lowFreqFactor: number
      readonly highFreqFactor: number
      readonly originalMaxPositions: number
    }
  | {
      readonly type: 'yarn'
      readonly factor: number
      readonly originalMaxPositions: number
      readonly betaFast: number
      readonly betaSlow: number
      /** Whether the two ends of the ramp are rounded outwards to whole pairs. */
      readonly truncate: boolean
      readonly attentionFactor: number
    }

/** What a model's config says about positions. */
export interface RopeConfig {
  /** Width of one attention head. Not always `dim / nHeads`. */
  readonly headDim: number
  readonly ropeTheta: number
  readonly ropeScaling: RopeScaling | undefined
  /** What the rotary frequency of each pair of a head is divided by, before any scaling; headDim / 2 numbers. */
  readonly ropeDivisors: readonly number[] | undefined
  /** Positions the model was trained for (`max_position_embeddings`). */
  readonly maxPositions: number
}

/** Reads the fields of one scaling from a config. What is wrong becomes a `ConfigError` that names the field. */
export interface RopeReader {
  /** The positions that the model was made for. */
  readonly maxPositions: number
  /** The value as it stands; undefined when it is absent. */
  raw(name: string): unknown
  /** A number above 0, or the fallback where the field is absent or null. */
  positive(name: string, fallback?: number): number
  /** A number of any sign, or the fallback where the field is absent or null. */
  number(name: string, fallback: number): number
  /** A whole number of positions, or the fallback where the field is absent or null. */
  positions(name: string, fallback: number): number
  /** Refuses a field. */
  refuse(name: string, fact: string): never
}

/** One kind of scaling. */
export interface Scaling<S extends RopeScaling> {
  /** From `rope_parameters` or `rope_scaling` of a config.json. */
  fromHf(read: RopeReader): S
  /** From the `rope.scaling.*` keys of a GGUF; absent where GGUF has no such kind. */
  fromGguf?(read: RopeReader): S | undefined
  /** Radians per position of each pair, from the positions per radian without scaling; all of f32. */
  frequencies(periods: readonly number[], scaling: S, config: RopeConfig): number[]
  /** What cos and sin of queries and keys are multiplied with; 1 where it is absent. */
  attentionFactor?(scaling: S): number
  /** Set where the frequencies are other ones beyond the positions that the model was made for. */
  readonly bounded?: true
}

export type OfType<T extends RopeScaling['type']> = Extract<RopeScaling, { readonly type: T }>

/** The scalings of `rope-scalings.ts`, which comes with the readers of configs that may name one: other models do without. */
export const knownScalings = {} as { [T in RopeScaling['type']]: Scaling<OfType<T>> }

/**
 * Radians per position of each pair, numbers of f32: theta^(-2i / headDim), divided by the divisors, then scaled as the
 * config says. Every step is rounded to f32, as in all implementations that models are trained and served with: an error
 * in the last place of a frequency is one of some hundredths of a radian after 200,000 positions.
 */
export function ropeFrequencies(config: RopeConfig): number[] {
  const { headDim, ropeTheta, ropeScaling, ropeDivisors } = config
  const periods = Array.from({ length: headDim / 2 }, (_, i) => {
    const period = f32(f32(ropeTheta) ** f32((2 * i) / headDim))
    return ropeDivisors === undefined ? period : f32(period * ropeDivisors[i]!)
  })
  if (ropeScaling === undefined) return periods.map((period) => f32(1 / period))
  return entryOf(ropeScaling).frequencies(periods, ropeScaling, config)
}

/** The most positions that the rotary frequencies are right for. */
export function ropePositions({ ropeScaling, maxPositions }: RopeConfig): number {
  return ropeScaling !== undefined && entryOf(ropeScaling).bounded === true ? maxPositions : Number.POSITIVE_INFINITY
}

/** The entry of a scaling, for which its functions are made. */
function entryOf<S extends RopeScaling>(scaling: S): Scaling<S> {
  return knownScalings[scaling.type] as unknown as Scaling<S>
}

/**
 * What the shader makes the angles of a position from, row-major, [1 + ROPE_FINE + coarse, headDim / 2, 2]: a row of
 * (frequency, 0); then (cos, sin) of position · frequency for the positions below ROPE_FINE; then for its
 * ceil(positions / ROPE_FINE) multiples from 0 on, which carry the attention factor. The turn of a position is the product
 * of one of each. Computed in f64 and rounded once: WGSL leaves the precision of sin and cos open beyond ±π.
 * Su et al. 2021 (RoFormer), eq. 34.
 */
export function ropeTable(config: RopeConfig, positions: number): Float32Array<ArrayBuffer> {
  const { ropeScaling } = config
  const frequencies = ropeFrequencies(config)
  const factor = ropeScaling === undefined ? 1 : (entryOf(ropeScaling).attentionFactor?.(ropeScaling) ?? 1)
  const coarse = coarseRows(positions)
  const table = new Float32Array(ropeTableBytes(config, positions) / 4)
  let at = 0
  for (const frequency of frequencies) {
    table[at] = frequency
    at += 2
  }
  for (let row = 0; row < ROPE_FINE + coarse; row++) {
    const isFine = row < ROPE_FINE
    const position = isFine ? row : (row - ROPE_FINE) * ROPE_FINE
    const length = isFine ? 1 : factor
    for (const frequency of frequencies) {
      table[at++] = length * Math.cos(position * frequency)
      table[at++] = length * Math.sin(position * frequency)
    }
  }
  return table
}

/** Bytes of {@link ropeTable}. */
export function ropeTableBytes({ headDim }: RopeConfig, positions: number): number {
  return (1 + ROPE_FINE + coarseRows(positions)) * headDim * 4
}

function coarseRows(positions: number): number {
  return Math.ceil(positions / ROPE_FINE)
}

const f32 = Math.fround
