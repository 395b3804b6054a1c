/** Brings the rows that have an output together, so that what only they need is computed for no other. */
import type { Buffer } from '../gpu/buffer.ts'
import type { Recorder } from '../gpu/recorder.ts'
import { part } from '../gpu/shader.ts'
import { MOVE_ROWS, moveRows as shader } from '../gpu/shaders.gen.ts'
import { type Activation, type BatchShape, ceilDiv } from './shape.ts'

/**
 * Moves the output rows of x [T, D] to rows 0, 1, … of it, in their order, where they overwrite others; or, with `back`, moves
 * rows 0, 1, … to where the outputs stand in the batch.
 * @param rows [T] metadata of the rows
 */
export function moveOutputs(r: Recorder<BatchShape>, x: Activation, rows: Buffer, back = false): void {
  const quads = x.stride / 4
  const body = part(shader, { bindings: { rows, x: x.buffer }, constants: { QUADS: quads, BACK: back } })
  r.dispatch('move rows', [body], [ceilDiv(quads, MOVE_ROWS.WORKGROUP), (batch) => batch.outputs])
}
