/** Root mean square normalization. */
import type { Buffer } from '../gpu/buffer.ts'
import type { Recorder } from '../gpu/recorder.ts'
import { part } from '../gpu/shader.ts'
import { rmsNorm as shader } from '../gpu/shaders.gen.ts'
import { type Activation, type BatchShape, expectCols, powerOfTwo } from './shape.ts'

export interface RmsNormOptions {
  readonly epsilon: number
  /** [T] metadata of the rows. */
  readonly rows: Buffer
  /** Take only the rows whose logits are wanted, in the order of the metadata. */
  readonly gather?: boolean
  /** Which count of the batch y has rows for; `outputs` where they are gathered. Default `rows`. */
  readonly count?: 'rows' | 'outputs' | undefined
}

/** y [T, D] = x / sqrt(mean(x²) + epsilon) · gain, computed in f32. */
export function rmsNorm(
  r: Recorder<BatchShape>,
  x: Activation,
  gain: Buffer,
  y: Activation,
  { epsilon, rows, gather = false, count = gather ? 'outputs' : 'rows' }: RmsNormOptions,
): void {
  expectCols('rmsNorm', y.cols, x.cols)
  const quads = x.stride / 4
  const constants = {
    D: x.cols,
    X_QUADS: quads,
    EPS: epsilon,
    GATHER: gather,
    WORKGROUP: Math.min(256, Math.max(32, powerOfTwo(quads / 4))),
  }
  const body = part(shader, { bindings: { x: x.buffer, gain, rows, y: y.buffer }, constants })
  r.dispatch('rmsNorm', [body], [(batch) => batch[count]])
}
