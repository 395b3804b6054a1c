/** The residual stream and its norms, which are dispatches of their own or parts of the products around them. */
import type { Buffer } from '../gpu/buffer.ts'
import type { Gpu } from '../gpu/device.ts'
import type { Recorder } from '../gpu/recorder.ts'
import type { ShaderPart } from '../gpu/shader.ts'
import { add, store } from './linear.ts'
import { rmsNorm } from './rms-norm.ts'
import { type Activation, type BatchShape, ceilTo, createActivation, ROW_TILE } from './shape.ts'

/** What a norm leaves for the product after it. */
export interface NormedActivation extends Activation {
  /** The element of the buffer at which the squares of a folded norm begin: [T, stride / 2], one for each pair. */
  readonly squaresAt: number
}

/** An activation with room for the squares of as many rows. */
export function createNormed(gpu: Gpu, label: string, rows: number, cols: number): NormedActivation {
  const padded = ceilTo(rows, ROW_TILE)
  // A row of squares is half as long as a row.
  const activation = createActivation(gpu, label, 1.5 * padded, cols)
  return { ...activation, squaresAt: padded * activation.stride }
}

/** What the residual stream [T, D] takes, and what products take of it. */
export interface ResidualStream {
  /** Ends what the stream begins with; the norm that comes next has this gain [D]. */
  store(gain: Buffer): readonly ShaderPart[]
  /** Ends a product that is added to the stream; the norm that comes next has this gain. */
  add(gain: Buffer): readonly ShaderPart[]
  /**
   * x / sqrt(mean(x²) + epsilon) · gain [T, D] of the last gain, in f32, for the product that comes next.
   * @param count which count of the batch x has rows for
   */
  norm(gain: Buffer, count?: 'rows' | 'outputs'): Activation
}

export interface ResidualBuffers {
  readonly x: Activation
  readonly h: NormedActivation
  /** [T] metadata of the rows. */
  readonly rows: Buffer
}

export type MakeResidual = (r: Recorder<BatchShape>, buffers: ResidualBuffers, epsilon: number) => ResidualStream

/** Norms that are dispatches of their own. */
export const plainResidual: MakeResidual = (r, { x, h, rows }, epsilon) => {
  return {
    store: () => store(x),
    add: () => add(x),
    norm: (gain, count) => {
      rmsNorm(r, x, gain, h, { epsilon, rows, count })
      return h
    },
  }
}
