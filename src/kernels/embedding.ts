/** Looks up the embedding of each row's token. */
import type { Buffer } from '../gpu/buffer.ts'
import type { Recorder } from '../gpu/recorder.ts'
import { part, type ShaderPart } from '../gpu/shader.ts'
import { EMBEDDING, embedding as shader } from '../gpu/shaders.gen.ts'
import { type BatchShape, ceilDiv } from './shape.ts'
import { type Weight, weightParts } from './weight.ts'

/** The token at each position of each sequence, [sequences, positions] u32. The sampler adds to it, so do prompts. */
export interface History {
  readonly buffer: Buffer
  readonly positions: number
}

/** emit(rows [T, D] of the table [V, D]) for the tokens that stand at the positions of the rows [T]. */
export function embedding(
  r: Recorder<BatchShape>,
  { history, rows }: { history: History; rows: Buffer },
  table: Weight,
  emit: readonly ShaderPart[],
): void {
  const body = part(shader, {
    bindings: { history: history.buffer, places: rows },
    constants: { N: table.cols, POSITIONS: history.positions },
  })
  r.dispatch(
    'embedding',
    [body, ...weightParts(r.gpu, table), ...emit],
    [ceilDiv(table.cols, 4 * EMBEDDING.THREADS), (batch) => batch.rows],
  )
}
