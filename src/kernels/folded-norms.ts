/** Norms that are parts of the products around them. They are loaded where a device is better off with them. */
import type { Buffer } from '../gpu/buffer.ts'
import { part } from '../gpu/shader.ts'
import { emitNorm, scaleNorm } from '../gpu/shaders-norms.gen.ts'
import type { MakeResidual } from './residual.ts'
import type { Activation } from './shape.ts'

/** The product before a norm multiplies with the gain, the one after it scales its sums. */
export const foldedResidual: MakeResidual = (_, { x, h }, epsilon) => {
  const ending = (gain: Buffer, ADD: boolean) => [
    part(emitNorm, {
      bindings: { y: x.buffer, gain, h: h.buffer },
      constants: { Y_STRIDE: x.stride, SQUARES_AT: h.squaresAt, ADD },
    }),
  ]
  const constants = { D: x.cols, EPS: epsilon, SQUARES_FROM: h.squaresAt / 4 }
  const normed: Activation = { ...h, scale: part(scaleNorm, { bindings: {}, constants }) }
  return { store: (gain) => ending(gain, false), add: (gain) => ending(gain, true), norm: () => normed }
}
