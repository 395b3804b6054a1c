/** Matrices in pieces: how many there are, what they take, and that each product is the same as that of the whole. */
import { afterAll, describe, expect, test, vi } from 'vitest'
import type { Gpu } from '../../src/gpu/device.ts'
import type { Recorder } from '../../src/gpu/recorder.ts'
import type { MatmulVariant } from '../../src/gpu/tuning.ts'
import { BLOCK_LAYOUTS } from '../../src/kernels/block-layouts.ts'
import { GPU_MATMULS } from '../../src/kernels/gpu-matmuls.ts'
import { linear, siluGate, store } from '../../src/kernels/linear.ts'
import type { BatchShape } from '../../src/kernels/shape.ts'
import {
  createMatrix,
  matrixBytes,
  type PieceLimits,
  pieceRows,
  rowBytes,
  weightBytes,
  withBias,
  withBiases,
  writeBiases,
  writeMatrixRows,
} from '../../src/kernels/weight.ts'
import { WEIGHT_LAYOUTS, type WeightLayout } from '../../src/kernels/weight-layouts.ts'
import { randomRows } from '../../src/model/trial.ts'
import { random } from '../support/fixtures.ts'
import { activation, openVariants, randomNumbers, run, withMatmul } from '../support/gpu.ts'
import { patience } from '../support/patience.ts'

vi.setConfig({ testTimeout: patience(240_000) })

const variants = await openVariants()
afterAll(() => {
  for (const { gpu } of variants) gpu.dispose()
})

function device(binding: number, groups = 65_535): PieceLimits {
  const limits = { maxBufferSize: 2 * binding, maxStorageBufferBindingSize: binding }
  return { limits: { ...limits, maxComputeWorkgroupsPerDimension: groups }, tuning: {} } as unknown as PieceLimits
}

const LAYOUTS: readonly WeightLayout[] = [...Object.values(WEIGHT_LAYOUTS), ...Object.values(BLOCK_LAYOUTS)]

describe('the pieces of a matrix', () => {
  test('hold all of its rows, fit, and are as few as may be', () => {
    const next = random(1)
    for (let i = 0; i < 400; i++) {
      const layout = LAYOUTS[i % LAYOUTS.length]!
      const cols = 256 * (1 + Math.floor(next() * 40))
      const rows = 1 + Math.floor(next() * (next() < 0.5 ? 200 : 200_000))
      const row = rowBytes(layout, cols)
      const binding = Math.floor((row.quants + row.scales) * 4 + next() * 2 ** (18 + Math.floor(next() * 13)))
      const pieces = pieceRows(device(binding), layout, { rows, cols })
      const what = `${layout.name} [${rows}, ${cols}] in ${binding}: ${pieces}`
      expect(
        pieces.reduce((a, b) => a + b),
        what,
      ).toBe(rows)
      const bytes = pieces.map((count) => weightBytes(layout, count, cols))
      for (const { quants, scales } of bytes) {
        expect(Math.ceil(quants / 16) * 16, what).toBeLessThanOrEqual(binding)
        expect(Math.ceil(scales / 16) * 16, what).toBeLessThanOrEqual(binding)
      }
      for (const count of pieces.slice(0, -1)) {
        expect(count % 4, what).toBe(0)
      }
      // Of about one size: only what rounds them to whole groups lies between the first and the last but one.
      expect(new Set(pieces.slice(0, -1)).size, what).toBeLessThanOrEqual(1)
      const whole = weightBytes(layout, rows, cols)
      const least = Math.max(whole.quants, whole.scales) / binding
      expect(pieces.length, what).toBeLessThanOrEqual(Math.ceil(2 * least) + 1)
      expect(matrixBytes(device(binding), layout, rows, cols), what).toBeGreaterThanOrEqual(whole.quants + whole.scales)
    }
  })

  test('of an embedding of 131,072 x 5,120 fit the binding that every device has', () => {
    for (const layout of LAYOUTS) {
      const pieces = pieceRows(device(2 ** 27), layout, { rows: 131_072, cols: 5120 })
      const { quants, scales } = weightBytes(layout, 131_072, 5120)
      // One more where whole fours of rows leave a little over.
      expect(pieces.length - Math.ceil(Math.max(quants, scales) / 2 ** 27), layout.name).toBeOneOf([0, 1])
      expect(new Set(pieces.slice(0, -1)).size).toBeLessThanOrEqual(1)
      for (const count of pieces.slice(0, -1)) expect(count % 64).toBe(0)
    }
  })

  test('have no more rows than a dispatch has workgroups for', () => {
    const rows = 262_144
    expect(pieceRows(device(2 ** 31, 65_535), WEIGHT_LAYOUTS.q4, { rows, cols: 256 })).toEqual([131_072, 131_072])
    expect(pieceRows(device(2 ** 31, 65_536), WEIGHT_LAYOUTS.q4, { rows, cols: 256 })).toEqual([rows])
  })
})

const NAMES: readonly MatmulVariant[] = [
  'vector',
  'batch4',
  'batch8',
  'rows1',
  'rows4',
  'rows8',
  'rows16',
  ...(Object.keys(GPU_MATMULS) as MatmulVariant[]),
]
const COLS = 256
const ROWS = 202
/** Rows of x: no multiple of any tile. */
const INPUTS = 37

/** `npm run test:variants` leaves nothing out. */
const everything = process.env.TEST_VARIANTS === 'all'

describe.each(variants.map((variant, i) => ({ ...variant, second: i > 0 })))(
  'products with $name are the same, bit for bit',
  ({ gpu, second }) => {
    const layouts = [WEIGHT_LAYOUTS.q4, WEIGHT_LAYOUTS.f16, BLOCK_LAYOUTS.q4_k, WEIGHT_LAYOUTS.q8, BLOCK_LAYOUTS.q6_k]
    for (const [i, name] of NAMES.entries()) {
      const layout = layouts[i % layouts.length]!
      const variant = Object.hasOwn(GPU_MATMULS, name) ? GPU_MATMULS[name as keyof typeof GPU_MATMULS] : undefined
      if (variant !== undefined && !variant.runsOn(gpu, layout)) continue
      // Software adapters compile for seconds: they take turns.
      if (gpu.software && !everything && (i + Number(second)) % 3 > 0) continue
      test(`${name}, ${layout.name}`, async () => {
        const ending = i % 2 === 0 ? store : siluGate
        const [whole, pieces] = [
          await product(gpu, name, layout, ending, 2 * ROWS),
          await product(gpu, name, layout, ending, 110),
        ]
        expect(pieces).toEqual(whole)
        expect(whole.some((value) => value !== 0)).toBe(true)
      })
    }
  },
)

/** The product with a matrix of random numbers in pieces of at most `most` rows. */
async function product(gpu: Gpu, name: MatmulVariant, layout: WeightLayout, ending: typeof store, most: number) {
  const on = withMatmul(gpu, name)
  const { packed } = (await randomRows(layout, Math.ceil(ROWS / 4) * 4, COLS))!
  const row = rowBytes(layout, COLS)
  const next = randomNumbers(7)
  const pieceBytes = Math.ceil((Math.max(row.quants, row.scales) * most) / 16) * 16
  const matrix = createMatrix(on.withTuning({ pieceBytes }), 'matrix', layout, { rows: ROWS, cols: COLS })
  expect(matrix.map(({ rows }) => rows)).toEqual(most > ROWS ? [202] : [104, 98])
  // In runs that end within pieces.
  for (let first = 0; first < ROWS; first += 60) {
    const end = Math.min(ROWS, first + 60)
    const part = {
      quants: packed.quants.subarray(first * row.quants, end * row.quants),
      scales: packed.scales.subarray(first * row.scales, end * row.scales),
    }
    writeMatrixRows(gpu, matrix, first, part, end - first)
  }
  const biased = withBiases(gpu, matrix)
  writeBiases(gpu, biased, Float32Array.from({ length: ROWS }, next))
  const x = activation(gpu, 'x', { rows: INPUTS, cols: COLS, fill: next })
  const y = activation(gpu, 'y', { rows: INPUTS, cols: ending === siluGate ? ROWS / 2 : ROWS, fill: () => 0 })
  const { buffer, stride } = y.activation
  const record = (r: Recorder<BatchShape>) =>
    linear(r, x.activation, biased, ending(y.activation), { batchClass: 'many' })
  const got = await run(on, { rows: INPUTS }, record, { buffer, elements: INPUTS * stride })
  for (const { quants, scales, bias } of biased) for (const used of [quants, scales, bias]) used?.destroy()
  for (const { buffer } of [x.activation, y.activation]) buffer.destroy()
  return got
}

test('a bias of a matrix in one piece is the same as that of a weight', () => {
  const { gpu } = variants[0]!
  const [weight] = createMatrix(gpu, 'w', WEIGHT_LAYOUTS.f32, { rows: 5, cols: 32 })
  const values = Float32Array.of(1, 2, 3, 4, 5)
  expect(withBiases(gpu, [weight!])[0]!.bias!.size).toBe(withBias(gpu, weight!, values).bias!.size)
})
