import type { ModelConfig } from './config.ts'

/**
 * Rotary angles: (cos, sin) of position · frequency for each pair of a head, [positions, headDim / 2, 2], row-major.
 * Computed in f64 and rounded once: WGSL leaves the precision of sin and cos open beyond ±π.
 * Su et al. 2021 (RoFormer), eq. 34; scalings as in Hugging Face `modeling_rope_utils.py`.
 */
export function ropeTable(config: ModelConfig, positions: number): Float32Array<ArrayBuffer> {
  const frequencies = ropeFrequencies(config)
  const table = new Float32Array(positions * frequencies.length * 2)
  let at = 0
  for (let position = 0; position < positions; position++) {
    for (const frequency of frequencies) {
      table[at++] = Math.cos(position * frequency)
      table[at++] = Math.sin(position * frequency)
    }
  }
  return table
}

/** Radians per position of each pair: theta^(-2i / headDim), then the scaling of the config. */
export function ropeFrequencies({ headDim, ropeTheta, ropeScaling }: ModelConfig): number[] {
  const base = Array.from({ length: headDim / 2 }, (_, i) => ropeTheta ** ((-2 * i) / headDim))
  if (ropeScaling === undefined) return base
  if (ropeScaling.type === 'linear') return base.map((frequency) => frequency / ropeScaling.factor)
  const { factor, lowFreqFactor, highFreqFactor, originalMaxPositions } = ropeScaling
  return base.map((frequency) => {
    const wavelength = (2 * Math.PI) / frequency
    if (wavelength < originalMaxPositions / highFreqFactor) return frequency
    if (wavelength > originalMaxPositions / lowFreqFactor) return frequency / factor
    const smooth = (originalMaxPositions / wavelength - lowFreqFactor) / (highFreqFactor - lowFreqFactor)
    return ((1 - smooth) * frequency) / factor + smooth * frequency
  })
}
