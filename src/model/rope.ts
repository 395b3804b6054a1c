import { ROPE_FINE } from '../kernels/attention.ts'
import type { ModelConfig } from './config.ts'

/**
 * Rotary angles: (cos, sin) of position · frequency for each pair of a head, row-major: [ROPE_FINE, headDim / 2, 2] for
 * the positions below ROPE_FINE, then [ceil(positions / ROPE_FINE), headDim / 2, 2] for its multiples from 0 on. The
 * turn of a position is the product of one of each. Computed in f64 and rounded once: WGSL leaves the precision of sin
 * and cos open beyond ±π. Su et al. 2021 (RoFormer), eq. 34; scalings as in Hugging Face `modeling_rope_utils.py`.
 */
export function ropeTable(config: ModelConfig, positions: number): Float32Array<ArrayBuffer> {
  const frequencies = ropeFrequencies(config)
  const coarse = Math.ceil(positions / ROPE_FINE)
  const table = new Float32Array((ROPE_FINE + coarse) * frequencies.length * 2)
  let at = 0
  for (let row = 0; row < ROPE_FINE + coarse; row++) {
    const position = row < ROPE_FINE ? row : (row - ROPE_FINE) * ROPE_FINE
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
