/** Shapes of batches and activations, and the padding that kernels rely on. */
import { DeviceError } from '../errors.ts'
import type { Buffer } from '../gpu/buffer.ts'
import type { Gpu } from '../gpu/device.ts'
import { BufferUsage } from '../gpu/flags.ts'
import type { ShaderPart } from '../gpu/shader.ts'
import { MATMUL_MATRIX } from '../gpu/shaders.gen.ts'
import type { BatchClass } from '../gpu/tuning.ts'

/** Inputs in one block of weights. Rows of activations and weights are padded with zeros to whole blocks. */
export const BLOCK = 32

/** Row buffers are padded to what a tile of the matmul of matrix units takes. */
export const ROW_TILE = MATMUL_MATRIX.TILE_ROWS

export function ceilDiv(value: number, by: number): number {
  return Math.ceil(value / by)
}

export function ceilTo(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple
}

/** The smallest power of two that is not below `value`. */
export function powerOfTwo(value: number): number {
  return 2 ** Math.ceil(Math.log2(value))
}

/** Elements from one head to the next in q and in the cache. */
export function headStride(headDim: number): number {
  return ceilTo(headDim, 4)
}

/** Bytes of one head's key or value in 8 bits: its elements, then a scale of two bytes for each block of 32, in whole words. */
export function packedKeyBytes(headDim: number): number {
  return headStride(headDim) + ceilDiv(headDim, 64) * 4
}

/** What a batch looks like when it is encoded. */
export interface BatchShape {
  /** T: rows of the batch. */
  readonly rows: number
  /** Rows whose logits are wanted. */
  readonly outputs: number
  /** Splits of the visible keys in attention. */
  readonly splits: number
  /** Tiles of neighbouring rows for prefill attention. */
  readonly tiles: number
  /** Outputs whose scores rules of their request change before one is chosen: all, or 0 when there are no rules. */
  readonly ruled: number
  /** Outputs whose scores masks change: all, or 0 or undefined when there are no masks. */
  readonly masked?: number | undefined
  /** Outputs whose log-probabilities are wanted: all, or 0. */
  readonly logged: number
  /** Slots of the adapters of its rows, that of rows without one included; undefined where no row has any. */
  readonly adapters?: ReadonlySet<number> | undefined
}

/** Rows of a batch that decodes, at most: sequences, and tokens that were guessed ahead. */
export const DECODE_ROWS = 32

/** The class of a batch with that many rows, or outputs; those that `decode` have little in common. */
export function batchClassOf(rows: number, decode = false): BatchClass {
  if (rows === 1) return 1
  if (rows <= 4) return 4
  if (rows <= 8) return 8
  return decode ? 'decode' : 'many'
}

/** f32 rows on the GPU, [rows, stride], of which the first `cols` elements count and the rest is zero. */
export interface Activation {
  readonly buffer: Buffer
  readonly cols: number
  /** Elements from one row to the next: a multiple of 32. */
  readonly stride: number
  /** What the sums of a product with these rows are multiplied with; undefined where they stay as they are. */
  readonly scale?: ShaderPart | undefined
}

export function createActivation(gpu: Gpu, label: string, rows: number, cols: number): Activation {
  const stride = ceilTo(cols, BLOCK)
  const usage = BufferUsage.STORAGE | BufferUsage.UNIFORM | BufferUsage.COPY_SRC | BufferUsage.COPY_DST
  const buffer = gpu.createBuffer(label, ceilTo(rows, ROW_TILE) * stride * 4, usage)
  return { buffer, cols, stride }
}

/** For mistakes of this library's own: two operands whose widths do not fit. */
export function expectCols(what: string, got: number, expected: number): void {
  if (got !== expected) throw new DeviceError(`${what}: ${got} columns, expected ${expected}`)
}
