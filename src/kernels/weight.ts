/** Matrices on the GPU: what they take, and how kernels read them. */
import type { Buffer } from '../gpu/buffer.ts'
import type { Gpu } from '../gpu/device.ts'
import { part, type ShaderPart } from '../gpu/shader.ts'
import { startBias, startZero } from '../gpu/shaders.gen.ts'
import type { PackedRow } from './quantize.ts'
import { BLOCK, ceilDiv, ceilTo } from './shape.ts'
import type { WeightBuffers, WeightLayout } from './weight-layouts.ts'

/** A matrix [rows = outputs, cols = inputs] on the GPU. */
export interface Weight extends WeightBuffers {
  readonly label: string
  readonly layout: WeightLayout
  readonly rows: number
  readonly cols: number
  /** [rows] f32 that are added to the product, padded to pairs; undefined where the matrix has no bias. */
  readonly bias: Buffer | undefined
}

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

/** Bytes that a matrix vector product reads, the benchmark's measure. */
export function weightReadBytes({ layout, rows, cols }: Weight): number {
  const { quants, scales } = weightBytes(layout, rows, cols)
  return quants + scales
}

/** Allocates an empty matrix. Throws `MemoryError` when it does not fit one binding. */
export function createWeight(gpu: Gpu, label: string, layout: WeightLayout, rows: number, cols: number): Weight {
  const bytes = weightBytes(layout, rows, cols)
  const quants = gpu.createBuffer(label, bytes.quants)
  const scales = bytes.scales > 0 ? gpu.createBuffer(`${label} scales`, bytes.scales) : undefined
  const tail = layout.tail?.(ceilDiv(cols, BLOCK))
  if (tail !== undefined) gpu.write(scales!, bytes.scales - tail.byteLength, tail)
  return { label, layout, rows, cols, quants, scales, bias: undefined }
}

/** Uploads packed rows, of which the first goes to a row whose number is a multiple of four. */
export function writeRows(gpu: Gpu, { layout, cols, quants, scales }: Weight, first: number, packed: PackedRow): void {
  const row = rowBytes(layout, cols)
  gpu.write(quants, first * row.quants, packed.quants)
  if (scales !== undefined) gpu.write(scales, first * row.scales, packed.scales)
}

/** The matrix with a bias, of which `values` has one for each row. */
export function withBias(gpu: Gpu, weight: Weight, values: Float32Array): Weight {
  const padded = new Float32Array(ceilTo(weight.rows, 2))
  padded.set(values)
  const bias = gpu.createBuffer(`${weight.label} bias`, padded.byteLength)
  gpu.write(bias, 0, padded)
  return { ...weight, bias }
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
