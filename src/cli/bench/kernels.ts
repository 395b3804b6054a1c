/** Times single matrix products at several numbers of rows. */
import { throwIfAborted } from '../../async/abort.ts'
import type { Gpu } from '../../gpu/device.ts'
import { Recorder } from '../../gpu/recorder.ts'
import { linear, store } from '../../kernels/linear.ts'
import { loadMatmuls } from '../../kernels/load-matmuls.ts'
import { ROUNDED_LAYOUTS } from '../../kernels/rounding.ts'
import { type Activation, type BatchShape, batchClassOf, ceilTo, createActivation } from '../../kernels/shape.ts'
import { createWeight, type Weight, weightReadBytes, writeRows } from '../../kernels/weight.ts'
import type { WeightLayout } from '../../kernels/weight-layouts.ts'
import type { ModelWeights } from '../../model/mistral.ts'
import { createPackedRows, packRow } from '../../model/repack.ts'
import { timeRecording, timingFor } from './measure.ts'
import { fillRandom } from './random-bytes.ts'
import type { KernelResult } from './report.ts'

/** One for each kernel: vector, two widths of batch, tile. */
export const KERNEL_ROWS = [1, 4, 8, 64] as const

/** A matrix to time, [rows = outputs, cols = inputs]. */
export interface MatrixShape {
  readonly name: string
  readonly layout: WeightLayout
  readonly rows: number
  readonly cols: number
}

/** The matrices of a model's first layer, and its output projection. */
export function shapesOf({ layers: [layer], output }: ModelWeights): MatrixShape[] {
  const { wqkv, wo, w13, w2 } = layer!
  return Object.entries({ wqkv, wo, w13, w2, output }).flatMap(([name, pieces]) =>
    pieces.map(({ layout, rows, cols }) => ({ name, layout, rows, cols })),
  )
}

/** A GPU's caches must not hold the matrix from one dispatch to the next: copies of it take turns. */
const ROTATION_BYTES = 256 << 20
const MOST_COPIES = 32

/** Times y = x · weightᵀ for each shape and number of rows. Throws `DeviceError`, `MemoryError`, `AbortError`. */
export async function measureKernels(
  gpu: Gpu,
  shapes: readonly MatrixShape[],
  signal?: AbortSignal,
): Promise<KernelResult[]> {
  await loadMatmuls(gpu.tuning)
  const results: KernelResult[] = []
  for (const shape of shapes) results.push(...(await measureShape(gpu, shape, signal)))
  return results
}

async function measureShape(gpu: Gpu, shape: MatrixShape, signal?: AbortSignal): Promise<KernelResult[]> {
  const most = Math.max(...KERNEL_ROWS)
  const x = createActivation(gpu, 'x', most, shape.cols)
  const y = createActivation(gpu, 'y', most, shape.rows)
  const create = () => createWeight(gpu, shape.name, shape.layout, shape.rows, shape.cols)
  const weights: Weight[] = []
  try {
    weights.push(create())
    const copies = gpu.software ? 1 : Math.min(MOST_COPIES, Math.ceil(ROTATION_BYTES / weightReadBytes(weights[0]!)))
    while (weights.length < copies) weights.push(create())
    for (const weight of weights) await fillWeight(gpu, weight)
    const results: KernelResult[] = []
    for (const T of KERNEL_ROWS) {
      throwIfAborted(signal)
      results.push(await measureRows(gpu, shape, { x, y, weights }, T, signal))
    }
    return results
  } finally {
    for (const buffer of [x.buffer, y.buffer]) buffer.destroy()
    for (const { quants, scales } of weights) {
      quants.destroy()
      scales?.destroy()
    }
  }
}

/** Rows that are packed before they are repeated: a multiple of four. */
const PATTERN_ROWS = 64

/** Random weights of about ±0.02, as those of real models: a few rows of them, over and over. */
export async function fillWeight(gpu: Gpu, weight: Weight): Promise<void> {
  const { cols } = weight
  const rows = ceilTo(weight.rows, 4)
  const layout = roundingTo(weight.layout)
  const pack = (count: number) => {
    const packed = createPackedRows(layout, count, cols)
    if (layout.pack === undefined) {
      // Rows of a file alone: random quants, and scales that are the f16 number 2^-12 wherever a scale may stand, or 2^-9 where
      // they are bytes of exponents.
      fillRandom(new Uint32Array(packed.quants.buffer))
      new Uint16Array(packed.scales.buffer).fill(layout.name === 'mxfp4' ? 0x7676 : 0x0c00)
      return packed
    }
    const words = new Uint32Array(cols)
    for (let row = 0; row < count; row++) {
      fillRandom(words, row + 1)
      const values = Float32Array.from(words, (word) => (word / 2 ** 31 - 1) * 0.02)
      packRow('f32', new Uint8Array(values.buffer), packed, row)
    }
    return packed
  }
  const whole = pack(Math.min(PATTERN_ROWS, rows))
  for (let first = 0; first < rows; first += PATTERN_ROWS) {
    writeRows(gpu, weight, first, rows - first >= PATTERN_ROWS ? whole : pack(rows - first))
  }
  await gpu.finish()
}

/** The layout with what rounds to it, where there is such a thing. */
function roundingTo(layout: WeightLayout): WeightLayout {
  const rounded: Readonly<Record<string, WeightLayout | undefined>> = ROUNDED_LAYOUTS
  return rounded[layout.name] ?? layout
}

interface Operands {
  readonly x: Activation
  readonly y: Activation
  readonly weights: readonly Weight[]
}

async function measureRows(
  gpu: Gpu,
  { name, layout, rows, cols }: MatrixShape,
  { x, y, weights }: Operands,
  T: number,
  signal?: AbortSignal,
): Promise<KernelResult> {
  const recorder = new Recorder<BatchShape>(gpu)
  for (const weight of weights) linear(recorder, x, weight, store(y), { batchClass: batchClassOf(T) })
  const recording = await recorder.build()
  const batch: BatchShape = { rows: T, outputs: T, splits: 1, tiles: T, ruled: 0, logged: 0 }
  const ms = (await timeRecording(gpu, recording, batch, { ...timingFor(gpu), signal })) / weights.length
  const bytes = weightReadBytes(weights[0]!) + T * (rows + cols) * 4
  return {
    name,
    dtype: layout.name,
    rows,
    cols,
    T,
    ms,
    gflops: (2 * rows * cols * T) / ms / 1e6,
    gb_per_s: bytes / ms / 1e6,
  }
}
