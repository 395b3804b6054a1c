/** What the kernel tests share: random operands in the layouts of `shaders/`, and a run of a few operations. */
import { f16ToNumber, f32ToF16Bits } from '../../src/formats/f16.ts'
import type { Buffer } from '../../src/gpu/buffer.ts'
import type { Gpu } from '../../src/gpu/device.ts'
import { openGpu } from '../../src/gpu/open.ts'
import { Readback } from '../../src/gpu/readback.ts'
import { Recorder } from '../../src/gpu/recorder.ts'
import type { MatmulVariant } from '../../src/gpu/tuning.ts'
import { CACHE_LAYOUTS } from '../../src/kernels/cache-layouts.ts'
import { loadAttention } from '../../src/kernels/load-attention.ts'
import { loadMatmuls } from '../../src/kernels/load-matmuls.ts'
import { type Activation, type BatchShape, createActivation } from '../../src/kernels/shape.ts'
import { createWeight, rowBytes, type Weight } from '../../src/kernels/weight.ts'
import { WEIGHT_LAYOUTS, type WeightDtype } from '../../src/kernels/weight-layouts.ts'
import { randomNumbers } from '../../src/model/trial.ts'
import { disabledFeatures } from './features.ts'

export { randomNumbers }

/** The layouts that take any values, at any width; `test/kernels/blocks.test.ts` has those of GGUF's block types. */
export const WEIGHT_DTYPES = ['f32', 'f16', 'bf16', 'q8', 'q4'] as const satisfies readonly WeightDtype[]
export type PlainDtype = (typeof WEIGHT_DTYPES)[number]

/** A device for each set of kernels that this adapter has: with all features, and with none where that differs. */
export async function openVariants(): Promise<{ name: string; gpu: Gpu }[]> {
  const gpu = await openGpu({ disableFeatures: disabledFeatures() })
  const all = [...gpu.features].filter((name) => name !== 'timestamp-query')
  if (all.length === 0) return [{ name: 'baseline', gpu }]
  const baseline = await openGpu({ disableFeatures: ['shader-f16', 'subgroups'] })
  return [
    { name: all.join(' + '), gpu },
    { name: 'baseline', gpu: baseline },
  ]
}

/** The device with one matrix product for every batch and layout. */
export function withMatmul(gpu: Gpu, variant: MatmulVariant): Gpu {
  return gpu.withTuning({ matmul: { 1: variant, 4: variant, 8: variant, decode: variant, many: variant } })
}

/** Rows of random numbers, or of the numbers that `fill` gives. Rows beyond them hold 1e30: no result may see them. */
export function activation(
  gpu: Gpu,
  label: string,
  { rows, cols, fill }: { rows: number; cols: number; fill: (row: number, col: number) => number },
): { activation: Activation; values: Float64Array } {
  const made = createActivation(gpu, label, rows, cols)
  const data = new Float32Array(made.buffer.size / 4)
  const values = new Float64Array(rows * cols)
  for (let row = 0; row < data.length / made.stride; row++) {
    for (let col = 0; col < cols; col++) {
      const at = row * made.stride + col
      data[at] = row < rows ? fill(row, col) : 1e30
      if (row < rows) values[row * cols + col] = data[at]!
    }
  }
  gpu.write(made.buffer, 0, data)
  return { activation: made, values }
}

/** A random matrix [rows, cols] and its exact values. Its layout is written down here again, apart from the loader's. */
export function randomWeight(
  gpu: Gpu,
  dtype: PlainDtype,
  { rows, cols, random }: { rows: number; cols: number; random: () => number },
): { weight: Weight; values: Float64Array } {
  const weight = createWeight(gpu, `${dtype} weight`, WEIGHT_LAYOUTS[dtype], rows, cols)
  const quants = new DataView(new ArrayBuffer(weight.quants.size))
  const scales = new Uint16Array((weight.scales?.size ?? 0) / 2)
  const values = new Float64Array(rows * cols)
  const blocks = Math.ceil(cols / 32)
  for (let i = 0; i < rows * blocks; i++) if (weight.scales) scales[i] = f32ToF16Bits(random() / 64)
  for (let row = 0; row < rows; row++) {
    const first = row * rowBytes(weight.layout, cols).quants
    for (let col = 0; col < blocks * 32; col++) {
      const scale = f16ToNumber(scales[row * blocks + Math.floor(col / 32)] ?? 0)
      const value = PUT[dtype](quants, { first, col, scale, number: col < cols ? random() : 0 })
      if (col < cols) values[row * cols + col] = value
    }
  }
  gpu.write(weight.quants, 0, new Uint8Array(quants.buffer))
  if (weight.scales) gpu.write(weight.scales, 0, scales)
  return { weight, values }
}

interface Element {
  /** Byte at which the row starts. */
  first: number
  col: number
  scale: number
  /** In [-1, 1). */
  number: number
}

/** Stores an element near `number` (times the type's range) and returns its exact value. */
const PUT: Record<PlainDtype, (view: DataView, element: Element) => number> = {
  f32(view, { first, col, number }) {
    view.setFloat32(first + 4 * col, number, true)
    return Math.fround(number)
  },
  f16(view, { first, col, number }) {
    const bits = f32ToF16Bits(number)
    view.setUint16(first + 2 * col, bits, true)
    return f16ToNumber(bits)
  },
  bf16(view, { first, col, number }) {
    const bits = new Uint32Array(new Float32Array([number]).buffer)[0]! >>> 16
    view.setUint16(first + 2 * col, bits, true)
    return new Float32Array(new Uint32Array([bits << 16]).buffer)[0]!
  },
  q8(view, { first, col, scale, number }) {
    const quant = Math.floor(number * 128)
    view.setInt8(first + col, quant)
    return scale * quant
  },
  q4(view, { first, col, scale, number }) {
    const quant = Math.floor(number * 8)
    // Word i of a block holds inputs 8i to 8i + 3 in the low nibbles of its bytes, 8i + 4 to 8i + 7 in the high ones.
    const inBlock = col % 32
    const at = first + (col - inBlock) / 2 + 4 * Math.floor(inBlock / 8) + (inBlock % 4)
    view.setUint8(at, view.getUint8(at) | ((quant + 8) << (inBlock % 8 < 4 ? 0 : 4)))
    return scale * quant
  },
}

/** Encodes the operations once, submits them, and brings back the first `elements` f32 of a buffer. */
export async function run(
  gpu: Gpu,
  batch: Partial<BatchShape>,
  record: (r: Recorder<BatchShape>) => void,
  result?: { buffer: Buffer; elements: number },
): Promise<Float32Array> {
  const attentions = Object.values(CACHE_LAYOUTS).map((layout) => loadAttention(gpu.tuning, layout))
  await Promise.all([loadMatmuls(gpu.tuning), ...attentions])
  const recorder = new Recorder<BatchShape>(gpu)
  record(recorder)
  const recording = await recorder.build()
  const encoder = gpu.device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  recording.encode(pass, { rows: 1, outputs: 1, splits: 1, tiles: 1, ruled: 0, logged: 0, ...batch })
  pass.end()
  if (result === undefined) {
    gpu.submit(encoder.finish())
    await gpu.finish()
    return new Float32Array()
  }
  const bytes = result.elements * 4
  const readback = new Readback(gpu, 'result', bytes)
  try {
    readback.copy(encoder, result.buffer, bytes)
    gpu.submit(encoder.finish())
    return new Float32Array(await readback.read(bytes))
  } finally {
    readback.destroy()
  }
}

/** The elements of `got` that are farther from `expected` than their tolerance, as readable lines; empty when all fit. */
export function misfits(
  got: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: (index: number) => number,
): string[] {
  const lines = got.length === expected.length ? [] : [`${got.length} elements, expected ${expected.length}`]
  for (let i = 0; i < expected.length && lines.length < 8; i++) {
    // Not `error > tolerance`: a NaN must not pass.
    const fits = Math.abs(got[i]! - expected[i]!) <= tolerance(i)
    if (!fits) lines.push(`[${i}] ${got[i]}, expected ${expected[i]} within ${tolerance(i)}`)
  }
  return lines
}
