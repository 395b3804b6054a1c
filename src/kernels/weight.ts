/** Matrices on the GPU: what they take, and how kernels read them. */
import type { Buffer } from '../gpu/buffer.ts'
import { bufferBytes, type Gpu } from '../gpu/device.ts'
import { part, type ShaderPart } from '../gpu/shader.ts'
import { startBias, startZero } from '../gpu/shaders.gen.ts'
import type { PackedRow } from './quantize.ts'
import { BLOCK, ceilDiv, ceilTo } from './shape.ts'
import type { WeightBuffers, WeightLayout } from './weight-layouts.ts'

/** A matrix [rows = outputs, cols = inputs] on the GPU, or some rows of one. */
export interface Weight extends WeightBuffers {
  readonly label: string
  readonly layout: WeightLayout
  readonly rows: number
  readonly cols: number
  /** [rows] f32 that are added to the product, padded to pairs; undefined where the matrix has no bias. */
  readonly bias: Buffer | undefined
}

/**
 * A whole matrix: its rows one after another, in one piece or in several. It has several where its parts lie in different
 * layouts, and where a buffer or a binding of the device is smaller than the matrix.
 */
export type Matrix = readonly Weight[]

/** Bytes of one row, padding included, in each of the two buffers. */
export function rowBytes({ rowBytes }: WeightLayout, cols: number): { quants: number; scales: number } {
  return rowBytes(ceilDiv(cols, BLOCK))
}

/** Steps along one row: what the lanes of the vector kernel share. */
export function stepsPerRow({ layout, cols }: Weight): number {
  return ceilDiv(cols, BLOCK) * layout.steps
}

/** Bytes of the whole matrix on the GPU. Kernels take four rows at a time, so rows are padded to fours. */
export function weightBytes(layout: WeightLayout, rows: number, cols: number): { quants: number; scales: number } {
  const padded = ceilTo(rows, 4)
  const row = rowBytes(layout, cols)
  const tail = layout.tail?.(ceilDiv(cols, BLOCK)).byteLength ?? 0
  return { quants: padded * row.quants, scales: ceilTo(padded * row.scales, 4) + tail }
}

/** What bounds the pieces of a matrix on a device. */
export type PieceLimits = Pick<Gpu, 'limits' | 'tuning'>

/** Rows of the widest tiles: pieces end where they do, if they can. */
const PIECE_ROWS = 64

/**
 * The rows of each piece of a matrix on a device: as few pieces as its buffers, bindings and dispatches allow, of about one
 * size, all but the last of whole fours of rows. Four rows that fit no buffer are a piece all the same, and an error when that
 * is allocated.
 */
export function pieceRows(
  { limits, tuning }: PieceLimits,
  layout: WeightLayout,
  { rows, cols }: { readonly rows: number; readonly cols: number },
): number[] {
  const { maxBufferSize, maxStorageBufferBindingSize, maxComputeWorkgroupsPerDimension } = limits
  const room = Math.min(maxBufferSize, maxStorageBufferBindingSize, tuning.pieceBytes ?? Infinity)
  const row = rowBytes(layout, cols)
  const tail = layout.tail?.(ceilDiv(cols, BLOCK)).byteLength ?? 0
  // Buffers are rounded up to 16 bytes. Some kernels have a workgroup for every four rows.
  const most = Math.min(
    (room - (room % 16)) / row.quants,
    row.scales === 0 ? Infinity : (room - (room % 16) - tail) / row.scales,
    4 * maxComputeWorkgroupsPerDimension,
  )
  if (ceilTo(rows, 4) <= most) return [rows]
  const even = ceilDiv(rows, ceilDiv(rows, Math.max(1, Math.floor(most / 4)) * 4))
  // Whole tiles where that takes no piece more.
  const tiled = ceilTo(even, PIECE_ROWS)
  const size = tiled <= most ? tiled : ceilTo(even, 4)
  return Array.from({ length: ceilDiv(rows, size) }, (_, i) => Math.min(size, rows - i * size))
}

/** Bytes of a matrix on this device, all pieces together. */
export function matrixBytes(limits: PieceLimits, layout: WeightLayout, rows: number, cols: number): number {
  return pieceRows(limits, layout, { rows, cols }).reduce((sum, count) => {
    const { quants, scales } = weightBytes(layout, count, cols)
    return sum + bufferBytes(quants) + (scales > 0 ? bufferBytes(scales) : 0)
  }, 0)
}

/** Bytes that a matrix vector product reads, the benchmark's measure. */
export function weightReadBytes({ layout, rows, cols }: Weight): number {
  const { quants, scales } = weightBytes(layout, rows, cols)
  return quants + scales
}

/** Allocates an empty matrix, in pieces where the device asks for that. Throws `MemoryError`. */
export function createMatrix(
  gpu: Gpu,
  label: string,
  layout: WeightLayout,
  size: { readonly rows: number; readonly cols: number },
): Weight[] {
  const pieces = pieceRows(gpu, layout, size)
  return pieces.map((rows, i) =>
    createWeight(gpu, pieces.length === 1 ? label : `${label} ${i}`, layout, rows, size.cols),
  )
}

/** Allocates an empty matrix of one piece. Throws `MemoryError` when it does not fit one binding. */
export function createWeight(gpu: Gpu, label: string, layout: WeightLayout, rows: number, cols: number): Weight {
  const bytes = weightBytes(layout, rows, cols)
  const quants = gpu.createBuffer(label, bytes.quants)
  const scales = bytes.scales > 0 ? gpu.createBuffer(`${label} scales`, bytes.scales) : undefined
  const tail = layout.tail?.(ceilDiv(cols, BLOCK))
  if (tail !== undefined) gpu.write(scales!, bytes.scales - tail.byteLength, tail)
  return { label, layout, rows, cols, quants, scales, bias: undefined }
}

/** Uploads packed rows, of which the first goes to a row whose number is a multiple of four. */
export function writeRows(
  gpu: Pick<Gpu, 'write'>,
  { layout, cols, quants, scales }: Weight,
  first: number,
  packed: PackedRow,
): void {
  const row = rowBytes(layout, cols)
  gpu.write(quants, first * row.quants, packed.quants)
  if (scales !== undefined) gpu.write(scales, first * row.scales, packed.scales)
}

/** Uploads `count` packed rows of a matrix, whichever of its pieces they belong to. */
export function writeMatrixRows(
  gpu: Pick<Gpu, 'write'>,
  matrix: Matrix,
  first: number,
  packed: PackedRow,
  count: number,
): void {
  let begin = 0
  for (const piece of matrix) {
    const from = Math.max(first, begin)
    const to = Math.min(first + count, begin + piece.rows)
    if (from < to) writeRows(gpu, piece, from - begin, rowsOf(piece, packed, from - first, to - first))
    begin += piece.rows
  }
}

/** Some of the packed rows. Behind the last of all there may be padding, which goes with it. */
function rowsOf({ layout, cols }: Weight, { quants, scales }: PackedRow, from: number, to: number): PackedRow {
  const row = rowBytes(layout, cols)
  const isLast = to * row.quants === quants.byteLength
  return {
    quants: quants.subarray(from * row.quants, to * row.quants),
    scales: scales.subarray(from * row.scales, isLast ? undefined : to * row.scales),
  }
}

/** The matrix with a bias, of which `values` has one for each row. */
export function withBias(gpu: Gpu, weight: Weight, values: Float32Array): Weight {
  const padded = new Float32Array(ceilTo(weight.rows, 2))
  padded.set(values)
  const bias = gpu.createBuffer(`${weight.label} bias`, padded.byteLength)
  gpu.write(bias, 0, padded)
  return { ...weight, bias }
}

/** A matrix in pieces with room for biases, zeros at first. */
export function withBiases(gpu: Gpu, matrix: Matrix): Matrix {
  return matrix.map((piece) => ({
    ...piece,
    bias: gpu.createBuffer(`${piece.label} bias`, ceilTo(piece.rows, 2) * 4),
  }))
}

/** Writes the biases of all rows. */
export function writeBiases(gpu: Gpu, matrix: Matrix, values: Float32Array<ArrayBuffer>): void {
  let first = 0
  for (const { bias, rows } of matrix) {
    gpu.write(bias!, 0, values.subarray(first, first + rows))
    first += rows
  }
}

/** The shader part that says what outputs begin at. */
export function startPart({ bias }: Weight): ShaderPart {
  if (bias === undefined) return part(startZero, { bindings: {}, constants: {} })
  return part(startBias, { bindings: { bias }, constants: {} })
}

/** The shader parts that read this matrix. */
export function weightParts(gpu: Gpu, weight: Weight): readonly ShaderPart[] {
  return weight.layout.parts(gpu, weight, { K_BLOCKS: ceilDiv(weight.cols, BLOCK) })
}
