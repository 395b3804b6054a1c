import type { Buffer } from '../gpu/device.ts'
import type { Recorder } from '../gpu/recorder.ts'
import { part } from '../gpu/shader.ts'
import { embedding as shader } from '../gpu/shaders.gen.ts'
import { type Activation, type BatchShape, ceilDiv, expectCols } from './shape.ts'
import { type Weight, weightPart } from './weight.ts'

/** x [T, D] = rows of the table [V, D] for the tokens [T]. */
export function embedding(r: Recorder<BatchShape>, tokens: Buffer, table: Weight, x: Activation): void {
  expectCols(table.label, x.cols, table.cols)
  const quads = x.stride / 4
  const body = part(shader, { bindings: { tokens, x: x.buffer }, constants: { X_QUADS: quads } })
  r.dispatch('embedding', [body, weightPart(r.gpu, table)], [ceilDiv(quads, 64), (batch) => batch.rows])
}
