/** The weights of any checkpoint as the tensors of a GGUF, rounded to Q4_0 and Q8_0, a few megabytes at a time. */
import { decodeToF32, storedBytes } from '../formats/blocks.ts'
import type { NewTensor } from '../formats/gguf-writer.ts'
import type { TensorInfo } from '../formats/tensor-file.ts'
import { BLOCK, ceilTo } from '../kernels/shape.ts'
import type { WeightLayout } from '../kernels/weight-layouts.ts'
import type { Checkpoint } from './checkpoint.ts'
import { ggufName } from './checkpoint-gguf.ts'
import { ropeDivisorsOf } from './gguf-keys.ts'
import { createPackedRows, type PackedRows, packRow } from './repack.ts'
import type { Rounding } from './rounding.ts'
import { partsOf, type WeightName } from './shapes.ts'
import { halvesToNeighbours } from './weight-sources.ts'

const PIECE_BYTES = 4 << 20
const BLOCK_BYTES = { q8: 34, q4: 18 } as const
const ROPE_DIVISORS = 'rope_freqs.weight'

/** A tensor to write, and where it comes from. */
export interface PlannedTensor extends NewTensor {
  /** undefined for numbers that no tensor of the checkpoint has. */
  readonly from: WeightName | undefined
  /** What a matrix is rounded to. Where its rows are no whole blocks, the rounded numbers are written as F32. */
  readonly rounded: 'q8' | 'q4' | undefined
}

/**
 * The tensors in the order in which they are written.
 * @param isTied the output projection is the embedding
 */
export function planTensors(checkpoint: Checkpoint, weights: 'q8' | 'q4', isTied: boolean): PlannedTensor[] {
  const divisors = ropeDivisorsOf(checkpoint.config)
  const named = checkpoint.names.filter((name) => name !== 'output' || !isTied)
  return [
    ...(divisors === undefined ? [] : [vector(ROPE_DIVISORS, divisors.length, undefined)]),
    ...named.map((name) => {
      const { shape } = checkpoint.tensor(name)
      return shape.length === 1 ? vector(ggufName(name), shape[0]!, name) : matrix(shape, name, weights)
    }),
  ]
}

function vector(name: string, length: number, from: WeightName | undefined): PlannedTensor {
  return { name, shape: [length], type: 'f32', byteLength: 4 * length, from, rounded: undefined }
}

function matrix(shape: readonly number[], from: WeightName, weights: 'q8' | 'q4'): PlannedTensor {
  const [rows = 1, cols = 1] = shape
  const rounded = layoutOf(from, weights)
  const plan = { name: ggufName(from), shape, from, rounded }
  if (cols % BLOCK !== 0) return { ...plan, type: 'f32', byteLength: 4 * rows * cols }
  const byteLength = rows * (cols / BLOCK) * BLOCK_BYTES[rounded]
  return { ...plan, type: rounded === 'q8' ? 'q8_0' : 'q4_0', byteLength }
}

/** What the user should know about the tensors; undefined when there is nothing to say. */
export function tensorsNote(tensors: readonly PlannedTensor[]): string | undefined {
  const wide = tensors.filter(({ type, rounded }) => type === 'f32' && rounded !== undefined)
  if (wide.length === 0) return undefined
  const fact = `rows that are no whole blocks of ${BLOCK}, which no quantized tensor of a GGUF can have`
  return `${wide.length} matrices (${wide[0]!.name} is the first) have ${fact}: their rounded numbers are written as F32`
}

/** As `loadWeights` has it: embedding and output projection keep 8 bits. */
function layoutOf(name: WeightName, weights: 'q8' | 'q4'): 'q8' | 'q4' {
  return name === 'tokEmbeddings' || name === 'output' ? 'q8' : weights
}

export interface TensorReading {
  readonly checkpoint: Checkpoint
  /** Counts what rounding takes away. */
  readonly rounding: Rounding
  readonly signal: AbortSignal | undefined
  /** Called after each piece with the bytes of the checkpoint that were read for it. */
  readonly onRead: (bytes: number, tensor: string) => void
}

/** The data of a tensor, in order. Throws `CheckpointError`, `AbortError`. */
export async function* tensorData(plan: PlannedTensor, reading: TensorReading): AsyncGenerator<Uint8Array> {
  const { checkpoint, rounding } = reading
  if (plan.from === undefined) {
    yield bytesOf(Float32Array.from(ropeDivisorsOf(checkpoint.config)!))
    return
  }
  const info = checkpoint.tensor(plan.from)
  const order = orderOf(plan.from, checkpoint)
  if (plan.rounded === undefined) {
    const values = decodeToF32(info.dtype, await read(reading, info, 0, info.byteLength))
    yield bytesOf(order === undefined ? values : values.map((_, i) => values[order(i)]!))
    return
  }
  const [rows = 1, cols = 1] = info.shape
  const stored = storedBytes(info.dtype, cols)
  // Rows change places within a head.
  const unit = order === undefined ? 1 : checkpoint.config.headDim
  const pieceRows = Math.max(1, Math.floor(PIECE_BYTES / stored / unit)) * unit
  const layout: WeightLayout = rounding.layout(plan.rounded)
  const sums = rounding.sumsOf(plan.from)
  for (let first = 0; first < rows; first += pieceRows) {
    const count = Math.min(pieceRows, rows - first)
    const data = await read(reading, info, first * stored, count * stored)
    const packed = createPackedRows(layout, count, cols)
    for (let i = 0; i < count; i++) {
      const row = (order?.(first + i) ?? first + i) - first
      packRow(info.dtype, data.subarray(row * stored, (row + 1) * stored), packed, i, sums)
    }
    const blocks = plan.rounded === 'q8' ? q8Blocks(packed) : q4Blocks(packed)
    yield plan.type === 'f32' ? numbersOf(blocks, plan.rounded, cols) : blocks
  }
}

/** GGUF has the two elements of a rotated pair next to each other. */
function orderOf(name: WeightName, { config }: Checkpoint): ((row: number) => number) | undefined {
  const isRotated = ['wq', 'wk', 'bq', 'bk'].includes(partsOf(name).weight)
  return isRotated && config.ropePairing === 'half' ? halvesToNeighbours(config.headDim) : undefined
}

async function read({ checkpoint, signal, onRead }: TensorReading, info: TensorInfo, offset: number, length: number) {
  const bytes = await checkpoint.readTensor(info, offset, length, signal)
  onRead(length, info.name)
  return bytes
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}

/** What rows of blocks stand for, without their padding. */
function numbersOf(blocks: Uint8Array, rounded: 'q8' | 'q4', cols: number): Uint8Array {
  const padded = decodeToF32(rounded === 'q8' ? 'q8_0' : 'q4_0', blocks)
  const stride = ceilTo(cols, BLOCK)
  const rows = padded.length / stride
  const values = new Float32Array(rows * cols)
  for (let row = 0; row < rows; row++) values.set(padded.subarray(row * stride, row * stride + cols), row * cols)
  return bytesOf(values)
}

/** Scale and quants of each block behind one another, the inverse of `copyQ8`. */
function q8Blocks({ quants, scales }: PackedRows): Uint8Array {
  const count = quants.length / BLOCK
  const blocks = new Uint8Array(count * BLOCK_BYTES.q8)
  for (let i = 0; i < count; i++) {
    blocks.set(scales.subarray(2 * i, 2 * i + 2), i * BLOCK_BYTES.q8)
    blocks.set(quants.subarray(i * BLOCK, (i + 1) * BLOCK), i * BLOCK_BYTES.q8 + 2)
  }
  return blocks
}

/** The inverse of `copyQ4`: byte j has element j in its low nibble and element 16 + j in its high one. */
function q4Blocks({ quants, scales }: PackedRows): Uint8Array {
  const half = BLOCK / 2
  const count = quants.length / half
  const blocks = new Uint8Array(count * BLOCK_BYTES.q4)
  const elements = new Uint8Array(BLOCK)
  for (let i = 0; i < count; i++) {
    const at = i * BLOCK_BYTES.q4
    blocks.set(scales.subarray(2 * i, 2 * i + 2), at)
    for (let byte = 0; byte < half; byte++) {
      const low = 8 * (byte >> 2) + (byte & 3)
      elements[low] = quants[i * half + byte]! & 15
      elements[low + 4] = quants[i * half + byte]! >> 4
    }
    for (let j = 0; j < half; j++) blocks[at + 2 + j] = elements[j]! | (elements[half + j]! << 4)
  }
  return blocks
}

/** Whether the output projection, which the config ties to the embedding, holds the same. */
export async function outputIsEmbedding(checkpoint: Checkpoint, signal?: AbortSignal): Promise<boolean> {
  if (checkpoint.config.tiedEmbeddings) return true
  if (!checkpoint.outputMayBeTied) return false
  const [a, b] = [checkpoint.tensor('tokEmbeddings'), checkpoint.tensor('output')]
  const [rows = 1, cols = 1] = a.shape
  const sizes = [a, b].map(({ dtype }) => storedBytes(dtype, cols))
  const pieceRows = Math.max(1, Math.floor(PIECE_BYTES / Math.max(...sizes)))
  for (let first = 0; first < rows; first += pieceRows) {
    const count = Math.min(pieceRows, rows - first)
    const [left, right] = await Promise.all(
      [a, b].map(async (info, i) => {
        const bytes = await checkpoint.readTensor(info, first * sizes[i]!, count * sizes[i]!, signal)
        return a.dtype === b.dtype ? bytes : decodeToF32(info.dtype, bytes)
      }),
    )
    if (!left!.every((value: number, i: number) => value === right![i])) return false
  }
  return true
}
