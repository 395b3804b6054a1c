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
interface Scaling<S extends RopeScaling> {
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

type OfType<T extends RopeScaling['type']> = Extract<RopeScaling, { readonly type: T }>

/** The scalings by the names of Hugging Face (`modeling_rope_utils.py`), whose formulas these are. */
export const ROPE_SCALINGS: { readonly [T in RopeScaling['type']]: Scaling<OfType<T>> } = {
  linear: {
    fromHf: (read) => ({ type: 'linear', factor: read.positive('factor') }),
    fromGguf: (read) => {
      // llama.cpp knows the key's old name, and takes a missing factor or one of 0 for 1.
      const name = read.raw('rope.scaling.factor') === undefined ? 'rope.scale_linear' : 'rope.scaling.factor'
      const factor = read.positive(name, 1)
      return factor === 1 ? undefined : { type: 'linear', factor }
    },
    frequencies: (periods, { factor }) => periods.map((period) => f32(f32(1 / period) / f32(factor))),
  },
  dynamic: {
    // The base grows with the sequence, but only beyond the positions that the model was made for.
    fromHf: (read) => ({ type: 'dynamic', factor: read.positive('factor') }),
    frequencies: (periods) => periods.map((period) => f32(1 / period)),
    bounded: true,
  },
  llama3: {
    fromHf: llama3FromHf,
    frequencies: llama3Frequencies,
  },
  yarn: {
    fromHf: yarnFromHf,
    fromGguf: yarnFromGguf,
    frequencies: yarnFrequencies,
    attentionFactor: ({ attentionFactor }) => attentionFactor,
  },
}

function llama3FromHf(read: RopeReader): OfType<'llama3'> {
  const lowFreqFactor = read.positive('low_freq_factor')
  const highFreqFactor = read.positive('high_freq_factor')
  if (highFreqFactor <= lowFreqFactor) {
    read.refuse('high_freq_factor', `must be above low_freq_factor ${lowFreqFactor}`)
  }
  const originalMaxPositions = read.positions('original_max_position_embeddings', read.maxPositions)
  return { type: 'llama3', factor: read.positive('factor'), lowFreqFactor, highFreqFactor, originalMaxPositions }
}

function llama3Frequencies(periods: readonly number[], scaling: OfType<'llama3'>): number[] {
  const { factor, lowFreqFactor, highFreqFactor, originalMaxPositions } = scaling
  return periods.map((period) => {
    const frequency = f32(1 / period)
    const stretched = (of: number) => f32(of / f32(factor))
    const wavelength = f32(f32(2 * Math.PI) / frequency)
    if (wavelength < originalMaxPositions / highFreqFactor) return frequency
    if (wavelength > originalMaxPositions / lowFreqFactor) return stretched(frequency)
    const turns = f32(f32(originalMaxPositions) / wavelength)
    const smooth = f32(f32(turns - f32(lowFreqFactor)) / f32(highFreqFactor - lowFreqFactor))
    return f32(stretched(f32(f32(1 - smooth) * frequency)) + f32(smooth * frequency))
  })
}

function yarnFromHf(read: RopeReader): OfType<'yarn'> {
  const originalMaxPositions = read.positions('original_max_position_embeddings', read.maxPositions)
  // Null, but not absence, stands for the ratio of the two lengths.
  const factor = read.raw('factor') === null ? read.maxPositions / originalMaxPositions : read.positive('factor')
  const mscale = read.number('mscale', 0)
  const mscaleAllDim = read.number('mscale_all_dim', 0)
  const paper =
    mscale !== 0 && mscaleAllDim !== 0
      ? yarnMagnitude(factor, mscale) / yarnMagnitude(factor, mscaleAllDim)
      : yarnMagnitude(factor)
  const truncate = read.raw('truncate')
  if (truncate != null && typeof truncate !== 'boolean') read.refuse('truncate', 'must be true or false')
  return {
    type: 'yarn',
    factor,
    originalMaxPositions,
    betaFast: read.number('beta_fast', 0) || 32,
    betaSlow: read.number('beta_slow', 0) || 1,
    truncate: truncate === undefined || truncate === true,
    attentionFactor: read.positive('attention_factor', paper),
  }
}

/** The magnitude is llama.cpp's: YaRN's own, divided by that of the log multiplier where there is one. */
function yarnFromGguf(read: RopeReader): OfType<'yarn'> {
  const key = (name: string) => `rope.scaling.${name}`
  const factor = read.positive(key('factor'), 1)
  const logMultiplier = read.number(key('yarn_log_multiplier'), 0)
  const magnitude = yarnMagnitude(factor) / (logMultiplier === 0 ? 1 : yarnMagnitude(factor, logMultiplier))
  for (const name of ['yarn_ext_factor', 'yarn_attn_factor']) {
    if (read.number(key(name), 1) !== 1) read.refuse(key(name), 'is not supported; 1 is')
  }
  return {
    type: 'yarn',
    factor,
    originalMaxPositions: read.positions(key('original_context_length'), read.maxPositions),
    betaFast: read.positive(key('yarn_beta_fast'), 32),
    betaSlow: read.positive(key('yarn_beta_slow'), 1),
    truncate: true,
    attentionFactor: magnitude * read.positive(key('attn_factor'), 1),
  }
}

/** Peng et al. 2023 (YaRN), eq. 22. */
export function yarnMagnitude(factor: number, multiplier = 1): number {
  return factor <= 1 ? 1 : 0.1 * multiplier * Math.log(factor) + 1
}

/** Short waves keep their frequency, long ones are stretched by the factor, and a ramp over the pairs lies between. */
function yarnFrequencies(
  periods: readonly number[],
  scaling: OfType<'yarn'>,
  { headDim, ropeTheta }: RopeConfig,
): number[] {
  const { factor, originalMaxPositions, betaFast, betaSlow, truncate } = scaling
  // The pair whose wave turns so many times within the original positions.
  const pairOf = (turns: number) =>
    (headDim * Math.log(originalMaxPositions / (turns * 2 * Math.PI))) / (2 * Math.log(ropeTheta))
  const [from, to] = [pairOf(betaFast), pairOf(betaSlow)]
  const low = Math.max(truncate ? Math.floor(from) : from, 0)
  const high = Math.min(truncate ? Math.ceil(to) : to, headDim - 1)
  const length = high === low ? 0.001 : high - low
  return periods.map((period, pair) => {
    const ramp = Math.min(Math.max(f32(f32(pair - f32(low)) / f32(length)), 0), 1)
    const kept = f32(1 - ramp)
    const stretched = f32(1 / f32(f32(factor) * period))
    return f32(f32(stretched * f32(1 - kept)) + f32(f32(1 / period) * kept))
  })
}

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
  return ROPE_SCALINGS[scaling.type] as unknown as Scaling<S>
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
  const coarse = Math.ceil(positions / ROPE_FINE)
  const table = new Float32Array((1 + ROPE_FINE + coarse) * frequencies.length * 2)
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

const f32 = Math.fround
