/** Looks up the embedding of each row's token. */
import type { Buffer } from '../gpu/buffer.ts'
import type { Recorder } from '../gpu/recorder.ts'
import { part, type ShaderPart } from '../gpu/shader.ts'
import { EMBEDDING, embedding as shader } from '../gpu/shaders.gen.ts'
import { type BatchShape, ceilDiv } from './shape.ts'
import { type Matrix, type Weight, weightParts } from './weight.ts'

/** The token at each position of each sequence, [sequences, positions] u32. The sampler adds to it, so do prompts. */
export interface History {
  readonly buffer: Buffer
  readonly positions: number
}

/** emit(rows [T, D] of the table [V, D], a dispatch for each of its pieces) for the tokens that stand at the positions of the rows [T]. */
export function embedding(
  r: Recorder<BatchShape>,
  { history, rows }: { history: History; rows: Buffer },
  table: Weight | Matrix,
  emit: readonly ShaderPart[],
): void {
  const pieces = [table].flat()
  let first = 0
  for (const piece of pieces) {
    const { cols } = piece
    // A table in one piece has every token.
    const some = pieces.length > 1 && { FIRST: first, TOKENS: piece.rows }
    const body = part(shader, {
      bindings: { history: history.buffer, places: rows },
      constants: { N: cols, POSITIONS: history.positions, ...some },
    })
    const size = [ceilDiv(cols, 4 * EMBEDDING.THREADS), (batch: BatchShape) => batch.rows]
    r.dispatch('embedding', [body, ...weightParts(r.gpu, piece), ...emit], size)
    first += piece.rows
  }
}
