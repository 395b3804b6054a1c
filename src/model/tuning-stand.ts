/** What kernels are timed on: random matrices of the model's shapes, and rows to multiply with them. */
import type { Gpu } from '../gpu/device.ts'
import { Recorder, type Recording } from '../gpu/recorder.ts'
import { type BatchClass, choiceKey } from '../gpu/tuning.ts'
import { linear, store } from '../kernels/linear.ts'
import { type Activation, type BatchShape, createActivation } from '../kernels/shape.ts'
import { createWeight, rowBytes, type Weight, weightReadBytes, writeRows } from '../kernels/weight.ts'
import type { WeightLayout } from '../kernels/weight-layouts.ts'
import { buildApart, randomNumbers, randomRows } from './trial.ts'

/** A matrix of the model, [rows = outputs, cols = inputs]. */
export interface MatrixShape {
  readonly layout: WeightLayout
  readonly rows: number
  readonly cols: number
}

/** Matrices smaller than this take next to no time. */
const WORTH_WEIGHTS = 2 ** 20
/** A matrix is timed in so many bytes at most, and copies of it take turns, so that no cache holds it. */
const MATRIX_BYTES = 16 << 20
export const ALL_BYTES = 64 << 20
const MOST_COPIES = 8
/** Rows of a random pattern that is repeated. */
const PATTERN_ROWS = 64
/** Rows of each class. */
const ROWS_OF: Readonly<Record<BatchClass, number>> = { 1: 1, 4: 4, 8: 8, decode: 16, many: 64 }

/** Matrices that a choice is made for together, by the largest of them. */
export interface Group {
  readonly key: (batchClass: BatchClass) => string
  readonly shape: MatrixShape
  bytes: number
}

/** Matrices that a choice is made for together, the ones that most bytes are read of first. */
export function groupsOf(matrices: readonly MatrixShape[]): Group[] {
  const groups = new Map<string, Group>()
  for (const shape of matrices) {
    const { layout, rows, cols } = shape
    // Rows in groups belong to a checkpoint: there are no random ones.
    const isRandom = Object.keys(layout.exact).length > 0
    if (rows * cols < WORTH_WEIGHTS || cols % 256 !== 0 || !isRandom) continue
    const key = (batchClass: BatchClass) => choiceKey(layout.name, rows, batchClass)
    const group = groups.get(key(1)) ?? { key, shape, bytes: 0 }
    const { quants, scales } = rowBytes(layout, cols)
    group.bytes += rows * (quants + scales)
    const larger = rows * cols > group.shape.rows * group.shape.cols
    groups.set(key(1), larger ? { ...group, shape } : group)
  }
  return [...groups.values()].sort((a, b) => b.bytes - a.bytes)
}

export function batchOf(batchClass: BatchClass): BatchShape {
  const rows = ROWS_OF[batchClass]
  return { rows, outputs: rows, splits: 1, tiles: rows, ruled: 0, logged: 0 }
}

/** The operands that kernels are timed on. */
export class Stand {
  private constructor(
    readonly group: Group,
    private readonly weights: readonly Weight[],
    private readonly x: Activation,
    private readonly y: Activation,
  ) {}

  get copies(): number {
    return this.weights.length
  }

  /** undefined for a layout whose rows belong to a checkpoint. */
  static async create(gpu: Gpu, group: Group, bytes: number): Promise<Stand | undefined> {
    const { layout, cols } = group.shape
    const pattern = await randomRows(layout, PATTERN_ROWS, cols)
    if (pattern === undefined) return undefined
    const row = rowBytes(layout, cols)
    const most = Math.floor(MATRIX_BYTES / (row.quants + row.scales) / PATTERN_ROWS) * PATTERN_ROWS
    const rows = Math.max(PATTERN_ROWS, Math.min(most, Math.floor(group.shape.rows / PATTERN_ROWS) * PATTERN_ROWS))
    const weights = [createWeight(gpu, 'tuning', layout, rows, cols)]
    const copies = Math.min(MOST_COPIES, Math.max(1, Math.floor(bytes / weightReadBytes(weights[0]!))))
    while (weights.length < copies) weights.push(createWeight(gpu, 'tuning', layout, rows, cols))
    for (const weight of weights) {
      for (let first = 0; first < rows; first += PATTERN_ROWS) writeRows(gpu, weight, first, pattern.packed)
    }
    const x = createActivation(gpu, 'tuning x', ROWS_OF.many, cols)
    const y = createActivation(gpu, 'tuning y', ROWS_OF.many, rows)
    gpu.write(x.buffer, 0, Float32Array.from({ length: x.buffer.size / 4 }, randomNumbers(cols)))
    return new Stand(group, weights, x, y)
  }

  /** The products with all copies, one after another. */
  record(gpu: Gpu, batchClass: BatchClass): Promise<Recording<BatchShape>> {
    const recorder = new Recorder<BatchShape>(gpu)
    for (const weight of this.weights) linear(recorder, this.x, weight, store(this.y), { batchClass })
    return buildApart(gpu, recorder)
  }

  destroy(): void {
    for (const { quants, scales } of this.weights) {
      quants.destroy()
      scales?.destroy()
    }
    this.x.buffer.destroy()
    this.y.buffer.destroy()
  }
}
