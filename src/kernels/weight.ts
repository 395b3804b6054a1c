import type { Buffer, Gpu } from '../gpu/device.ts'
import { part, type ShaderPart } from '../gpu/shader.ts'
import { weightsBf16, weightsF16, weightsF16Native, weightsF32, weightsQ4, weightsQ8 } from '../gpu/shaders.gen.ts'
import { BLOCK, ceilDiv, ceilTo } from './shape.ts'

/** How a matrix lies on the GPU. `q8` and `q4` hold blocks of 32 inputs with one f16 scale each. */
export type WeightDtype = 'f32' | 'f16' | 'bf16' | 'q8' | 'q4'

/** A matrix [rows = outputs, cols = inputs] on the GPU; layouts are those of `shaders/weights_*.wgsl`. */
export interface Weight {
  readonly label: string
  readonly dtype: WeightDtype
  readonly rows: number
  readonly cols: number
  readonly quants: Buffer
  /** One f16 for each block; only quantized matrices have them. */
  readonly scales: Buffer | undefined
}

const BLOCK_BYTES: Record<WeightDtype, number> = { f32: 128, f16: 64, bf16: 64, q8: 32, q4: 16 }

/** Bytes of one row's elements, padding included and scales not. */
export function rowBytes(dtype: WeightDtype, cols: number): number {
  return ceilDiv(cols, BLOCK) * BLOCK_BYTES[dtype]
}

/** 16-byte loads in one row: what the lanes of the vector kernel share. */
export function stepsPerRow({ dtype, cols }: Weight): number {
  return rowBytes(dtype, cols) / 16
}

export function hasScales(dtype: WeightDtype): boolean {
  return dtype === 'q8' || dtype === 'q4'
}

/** Bytes of the whole matrix on the GPU. Kernels take four rows at a time, so rows are padded to fours. */
export function weightBytes(dtype: WeightDtype, rows: number, cols: number): { quants: number; scales: number } {
  const padded = ceilTo(rows, 4)
  return {
    quants: padded * rowBytes(dtype, cols),
    scales: hasScales(dtype) ? ceilTo(padded * ceilDiv(cols, BLOCK) * 2, 4) : 0,
  }
}

/** Bytes that a matrix vector product reads, the benchmark's measure. */
export function weightReadBytes(weight: Weight): number {
  const { quants, scales } = weightBytes(weight.dtype, weight.rows, weight.cols)
  return quants + scales
}

/** Allocates an empty matrix. Throws `MemoryError` when it does not fit one binding. */
export function createWeight(gpu: Gpu, label: string, dtype: WeightDtype, rows: number, cols: number): Weight {
  const bytes = weightBytes(dtype, rows, cols)
  const quants = gpu.createBuffer(label, bytes.quants)
  const scales = bytes.scales > 0 ? gpu.createBuffer(`${label} scales`, bytes.scales) : undefined
  return { label, dtype, rows, cols, quants, scales }
}

/** The shader part that reads this matrix. */
export function weightPart(gpu: Gpu, weight: Weight): ShaderPart {
  const { quants: weights, scales, dtype } = weight
  const constants = { K_BLOCKS: ceilDiv(weight.cols, BLOCK) }
  if (dtype === 'f32') return part(weightsF32, { bindings: { weights }, constants })
  if (dtype === 'bf16') return part(weightsBf16, { bindings: { weights }, constants })
  if (dtype === 'f16') {
    const module = gpu.has('shader-f16') ? weightsF16Native : weightsF16
    return part(module, { bindings: { weights }, constants })
  }
  const module = dtype === 'q8' ? weightsQ8 : weightsQ4
  return part(module, { bindings: { weights, scales: scales! }, constants })
}
