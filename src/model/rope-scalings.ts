/** The scalings of the rotary frequencies, as both formats write them. They are loaded with the configs that may name one. */
import { knownScalings, type OfType, type RopeConfig, type RopeReader } from './rope.ts'

/** The scalings by the names of Hugging Face (`modeling_rope_utils.py`), whose formulas these are. */
export const ROPE_SCALINGS = Object.assign(knownScalings, {
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
} satisfies typeof knownScalings)

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

const f32 = Math.fround
