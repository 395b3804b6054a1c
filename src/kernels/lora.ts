/** Low-rank adapters (Hu et al. 2021, LoRA): what each row of a batch gets from its own adapter, before a product is added. */
import type { Buffer } from '../gpu/buffer.ts'
import type { Recorder } from '../gpu/recorder.ts'
import { part } from '../gpu/shader.ts'
import { LORA_UP } from '../gpu/shaders.gen.ts'
import { loraDown, loraUp, startRows } from '../gpu/shaders-lora.gen.ts'
import type { StartOf } from './linear.ts'
import { type Activation, type BatchShape, BLOCK, ceilDiv, ceilTo, expectCols } from './shape.ts'
import { startPart, type Weight, weightParts } from './weight.ts'

/** The slot of rows without an adapter. */
export const NO_ADAPTER = 0
/** Stands for the rows of all slots. */
const EVERY_SLOT = 0xffffffff
/** Matrices of the model that may be fused into one. */
const MOST_PARTS = 3

/** What one adapter adds to one matrix of the model, which may be several fused ones: its parts. */
export interface LoraUpdate {
  readonly slot: number
  /** The A of all parts one after another, [parts · rank, cols], the rank padded to fours. */
  readonly a: Weight
  /** The B of all parts in the fused order of the matrix's outputs, transposed: [rank, rows]. */
  readonly b: Weight
  /** As `loraFacts` makes them. */
  readonly facts: Buffer
}

/** How the outputs of a matrix are shared among its parts. */
export interface LoraParts {
  /** The first output of each part but the first. Empty where there is one part, and where they are interleaved. */
  readonly bounds: readonly number[]
  /** Even outputs are of the first part, odd ones of the second. */
  readonly interleaved: boolean
}

/** What adapters work in. */
export interface LoraBuffers {
  /** [T] (sequence, -, output row, -) */
  readonly rows: Buffer
  /** [sequences] u32: the slot of the adapter of each. */
  readonly slots: Buffer
  /** f32 sums between the two halves of an update. */
  readonly down: Buffer
  /** f32 [T, rows of the matrix, padded]: what outputs begin at. */
  readonly start: Buffer
  /** Facts of an update of nothing, for rows of every slot. */
  readonly nothing: Buffer
}

/**
 * The words that kernels know an update by.
 * @param rank padded to fours
 * @param scales of the parts, of which a part without an update has any
 */
export function loraFacts(slot: number, rank: number, scales: readonly number[]): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(8)
  words.set([slot, (scales.length * rank) / 4, rank / 4])
  new Float32Array(words.buffer, 16, MOST_PARTS).set(scales)
  return words
}

/** Facts for rows of every slot, which nothing is added to. */
export const NOTHING = loraFacts(EVERY_SLOT, 0, [])

/** f32 that {@link LoraBuffers.start} needs for one row. */
export function startStride(rows: number): number {
  return ceilTo(rows, BLOCK)
}

export interface LoraOptions {
  readonly parts: LoraParts
  /** Which count of the batch x has rows for. */
  readonly rows: 'rows' | 'outputs'
}

/**
 * Writes down what makes the beginnings of a product: for rows of an adapter B A x, scaled, for others what the matrix has
 * without adapters. Returns the start of each of the matrix's pieces.
 */
export function loraStart(
  r: Recorder<BatchShape>,
  x: Activation,
  pieces: readonly Weight[],
  updates: readonly LoraUpdate[],
  buffers: LoraBuffers,
  { parts, rows }: LoraOptions,
): StartOf {
  const { rows: places, slots, down, start, nothing } = buffers
  const stride = startStride(pieces.reduce((sum, piece) => sum + piece.rows, 0))
  const GATHER = rows === 'outputs'
  const up = ({ b }: LoraUpdate, adapter: Buffer, count: (batch: BatchShape) => number) => {
    let first = 0
    for (const piece of pieces) {
      const body = part(loraUp, {
        bindings: { x: down, y: start, rows: places, slots, adapter },
        constants: { FIRST: first, N: first + piece.rows, STRIDE: stride, GATHER, ...partConstants(parts) },
      })
      first += piece.rows
      r.dispatch(
        b.label,
        [body, ...weightParts(r.gpu, b), startPart(piece)],
        [ceilDiv(piece.rows, LORA_UP.OUTPUTS), count],
      )
    }
  }
  const known = new Set(updates.map(({ slot }) => slot))
  up(updates[0]!, nothing, (batch) => (isWithin(batch.adapters, known) ? 0 : batch[rows]))
  for (const update of updates) {
    const { slot, a, facts } = update
    expectCols(a.label, x.cols, a.cols)
    const count = (batch: BatchShape) => (batch.adapters?.has(slot) ? batch[rows] : 0)
    const body = part(loraDown, {
      bindings: { x: x.buffer, down, rows: places, slots, adapter: facts },
      constants: { GATHER },
    })
    r.dispatch(a.label, [body, ...weightParts(r.gpu, a)], [a.rows / 4, count])
    up(update, facts, count)
  }
  return () => part(startRows, { bindings: { start }, constants: { START_STRIDE: stride } })
}

function partConstants({ bounds: [SECOND, THIRD], interleaved: INTERLEAVED }: LoraParts) {
  return { INTERLEAVED, ...(SECOND !== undefined && { SECOND }), ...(THIRD !== undefined && { THIRD }) }
}

function isWithin(slots: ReadonlySet<number> = new Set(), known: ReadonlySet<number>): boolean {
  for (const slot of slots) if (!known.has(slot)) return false
  return true
}
