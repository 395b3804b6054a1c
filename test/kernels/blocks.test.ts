/** Matrices of GGUF's block types: each keeps the bits of the file, and every matmul reads what the file stands for. */
import { afterAll, describe, expect, test, vi } from 'vitest'
import { BLOCK_TYPES, type BlockName, decodeToF32, STORED_TYPES, storedBytes } from '../../src/formats/blocks.ts'
import { loadBlockTypes } from '../../src/formats/ggml-blocks.ts'
import type { Gpu } from '../../src/gpu/device.ts'
import type { BatchClass } from '../../src/gpu/tuning.ts'
import { HARDWARE } from '../../src/gpu/tuning.ts'
import { BLOCK_LAYOUTS } from '../../src/kernels/block-layouts.ts'
import { GRID_LAYOUTS } from '../../src/kernels/grid-layouts.ts'
import { linear, store } from '../../src/kernels/linear.ts'
import { createWeight, rowBytes, type Weight, weightBytes, writeRows } from '../../src/kernels/weight.ts'
import { createPackedRows, packRow } from '../../src/model/repack.ts'
import { randomBlocks } from '../support/blocks.ts'
import { activation, misfits, openVariants, randomNumbers, run } from '../support/gpu.ts'
import { patience } from '../support/patience.ts'

vi.setConfig({ testTimeout: patience(240_000) })

const NAMES = Object.keys(BLOCK_TYPES) as BlockName[]
const LAYOUTS = { ...BLOCK_LAYOUTS, ...GRID_LAYOUTS }
await loadBlockTypes(NAMES)
const variants = await openVariants()
afterAll(() => {
  for (const { gpu } of variants) gpu.dispose()
})

/** A matrix [rows, cols] of random blocks, and its values. */
function blockWeight(gpu: Gpu, name: BlockName, rows: number, cols: number): { weight: Weight; values: Float32Array } {
  const layout = LAYOUTS[name]
  const weight = createWeight(gpu, name, layout, rows, cols)
  const packed = createPackedRows(layout, rows, cols)
  const values = new Float32Array(rows * cols)
  for (let row = 0; row < rows; row++) {
    const stored = randomBlocks(name, cols, row)
    packRow(name, stored, packed, row)
    decodeToF32(name, stored, values.subarray(row * cols, (row + 1) * cols))
  }
  writeRows(gpu, weight, 0, packed)
  return { weight, values }
}

const WIDTHS: readonly [BatchClass, number][] = [
  [1, 1],
  [4, 3],
  [8, 6],
  ['many', 35],
]

describe.each(variants.map((variant, i) => ({ ...variant, second: i > 0 })))('$name', ({ gpu, second }) => {
  const hardware = Object.assign(Object.create(gpu) as Gpu, { tuning: { ...HARDWARE, ...{} } })
  test.each(NAMES)('%s: products are those of the decoded weights', async (name) => {
    // Three blocks of a type: an odd number, so that halves of words are left over.
    const cols = 3 * STORED_TYPES[name].elements
    const rows = 37
    const { weight, values } = blockWeight(gpu, name, rows, cols)
    const random = randomNumbers(cols)
    for (const [batchClass, count] of WIDTHS) {
      // Software adapters compile slowly: the kernels differ in how they call the part, not in what it reads.
      if (gpu.software && (second ? batchClass !== 1 : batchClass === 8)) continue
      const on = batchClass === 'many' && name === 'q4_k' ? hardware : gpu
      const x = activation(gpu, 'x', { rows: count, cols, fill: random })
      const y = activation(gpu, 'y', { rows: count, cols: rows, fill: () => 0 }).activation
      const got = await run(on, { rows: count }, (r) => linear(r, x.activation, weight, store(y), { batchClass }), {
        buffer: y.buffer,
        elements: count * y.stride,
      })
      const expected = new Float64Array(count * rows)
      const sizes = new Float64Array(count * rows)
      for (let t = 0; t < count; t++) {
        for (let n = 0; n < rows; n++) {
          for (let k = 0; k < cols; k++) {
            const product = x.values[t * cols + k]! * values[n * cols + k]!
            expected[t * rows + n]! += product
            sizes[t * rows + n]! += Math.abs(product)
          }
        }
      }
      const plain = Float32Array.from(expected, (_, i) => got[Math.floor(i / rows) * y.stride + (i % rows)]!)
      expect(misfits(plain, expected, (i) => 1e-5 * sizes[i]!)).toEqual([])
    }
  })
})

describe('bytes on the GPU', () => {
  test.each(NAMES)('%s: no more than 1.03 times the bytes in the file, at the widths of real models', (name) => {
    for (const cols of [3072, 4096, 14336]) {
      const { quants, scales } = weightBytes(LAYOUTS[name], 1024, cols)
      const file = 1024 * storedBytes(name, cols)
      expect((quants + scales) / file).toBeLessThanOrEqual(1.03)
      expect(quants + scales).toBeGreaterThanOrEqual(file)
      expect(rowBytes(LAYOUTS[name], cols).quants % 4).toBe(0)
    }
  })
})
