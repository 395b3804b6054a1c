/** The matrix products that only GPUs gain by, each forced: every layout that it takes, on sizes that fit no tile. */
import { afterAll, describe, expect, test, vi } from 'vitest'
import type { BatchClass, GpuMatmul } from '../../src/gpu/tuning.ts'
import { BLOCK_LAYOUTS } from '../../src/kernels/block-layouts.ts'
import { GPU_MATMULS } from '../../src/kernels/gpu-matmuls.ts'
import { add, linear, siluGate, store } from '../../src/kernels/linear.ts'
import { withBias } from '../../src/kernels/weight.ts'
import { WEIGHT_LAYOUTS, type WeightLayout } from '../../src/kernels/weight-layouts.ts'
import { candidates } from '../../src/model/autotune.ts'
import { createTrial, isRight, tryProduct } from '../../src/model/trial.ts'
import { activation, openVariants, randomNumbers, randomWeight, run } from '../support/gpu.ts'
import { patience } from '../support/patience.ts'

vi.setConfig({ testTimeout: patience(240_000) })

const variants = await openVariants()
const opened = variants[0]!.gpu
afterAll(() => {
  for (const { gpu } of variants) gpu.dispose()
})

const NAMES = Object.keys(GPU_MATMULS) as GpuMatmul[]
/** One of 4 bits, of 8, and of GGUF's with a minimum and with scales of half a block; the others are read by the same parts. */
const LAYOUTS: readonly WeightLayout[] = [
  WEIGHT_LAYOUTS.q4,
  WEIGHT_LAYOUTS.q8,
  WEIGHT_LAYOUTS.f16,
  BLOCK_LAYOUTS.q4_k,
  BLOCK_LAYOUTS.q6_k,
]

/** `npm run test:variants` leaves nothing out. */
const everything = process.env.TEST_VARIANTS === 'all'

function forced(name: GpuMatmul) {
  return { choices: undefined, matmul: { 1: name, 4: name, 8: name, decode: name, many: name } } as const
}

describe.each(variants.map((variant, i) => ({ ...variant, second: i > 0 })))('$name', ({ gpu, second }) => {
  for (const [i, name] of NAMES.entries()) {
    const { runsOn, rounds, classes } = GPU_MATMULS[name]
    const able = LAYOUTS.filter((layout) => runsOn(gpu, layout))
    // Software adapters compile for seconds: layouts take turns there, unless the run is for variants.
    const turn = able.filter((_, k) => k === i % able.length)
    const some = !gpu.software || everything ? able : second && i % 4 > 0 ? [] : turn
    for (const layout of some) {
      test(`${name} with ${layout.name}`, async () => {
        const trial = (await createTrial(gpu, layout))!
        for (const batchClass of [classes[0]!, classes.at(-1)!]) {
          const error = await tryProduct(gpu.withTuning(forced(name)), trial, batchClass)
          expect(isRight(error, rounds), JSON.stringify(error)).toBe(true)
        }
        trial.destroy()
      })
    }
  }
})

test('what rounds is off by its rounding, so that the limits mean something', async () => {
  const { gpu } = variants[0]!
  const trial = (await createTrial(gpu, WEIGHT_LAYOUTS.q4))!
  const rms = async (name: GpuMatmul) => (await tryProduct(gpu.withTuning(forced(name)), trial, 'many')).rms
  expect(await rms('tile')).toBeLessThan(1e-6)
  if (gpu.language.has('packed_4x8_integer_dot_product')) expect(await rms('int8_32x64')).toBeGreaterThan(1e-3)
  if (gpu.has('shader-f16')) {
    const error = await rms('f16_32x64')
    expect(error).toBeGreaterThan(5e-5)
    expect(error).toBeLessThan(1e-3)
  }
  trial.destroy()
})

/** An adapter that could make smaller subgroups than it has here: they are asked to have all their lanes. */
describe('subgroups of a size that the kernel names', () => {
  const fewer = opened.withTuning({ subgroupLanes: 4 })
  const { runsOn, classes } = GPU_MATMULS.vector_lanes
  const able = opened.has('subgroup-size-control') && (opened.adapterInfo.subgroupMaxSize ?? 0) > 4

  test('they are tried only where they have more lanes than others that exchange values', () => {
    const full = opened.withTuning({ subgroupLanes: 32 })
    expect(runsOn(fewer, WEIGHT_LAYOUTS.q4)).toBe(able)
    expect(runsOn(full, WEIGHT_LAYOUTS.q4)).toBe(false)
    expect(candidates(fewer, WEIGHT_LAYOUTS.q4, 1, true).includes('vector_lanes')).toBe(able)
  })

  test.runIf(able).each(LAYOUTS)('they multiply with $name', async (layout) => {
    const trial = (await createTrial(fewer, layout))!
    for (const batchClass of classes) {
      const error = await tryProduct(fewer.withTuning(forced('vector_lanes')), trial, batchClass)
      expect(isRight(error, 'nothing'), JSON.stringify(error)).toBe(true)
    }
    trial.destroy()
  })
})

/** Rows and outputs beyond the last are dropped, padding stays zero, and the parts around the product are as for others. */
describe('tiles end where the batch does', () => {
  const every: readonly [GpuMatmul, BatchClass, number, number][] = [
    ['tile_64x64', 'many', 33, 70],
    ['tile_32x128', 'many', 35, 130],
    ['tile_16x64', 8, 5, 6],
    ['int8_64x128', 'many', 67, 34],
    ['f16_64x64', 'many', 97, 66],
  ]
  const cases = opened.software && !everything ? every.slice(0, 2) : every
  test.each(cases)('%s', async (name, batchClass, rows, outputs) => {
    const { gpu } = variants[0]!
    if (!GPU_MATMULS[name].runsOn(gpu, WEIGHT_LAYOUTS.q4)) return
    const random = randomNumbers(rows)
    const cols = 100
    const x = activation(gpu, 'x', { rows, cols, fill: random })
    const { weight: plain } = randomWeight(gpu, 'q4', { rows: outputs, cols, random })
    const weight = withBias(gpu, plain, Float32Array.from({ length: outputs }, random))
    const results: Float32Array[] = []
    for (const ending of [store, add, siluGate]) {
      for (const device of [gpu.withTuning(forced(name)), gpu.withTuning(forced('tile'))]) {
        const width = ending === siluGate ? outputs / 2 : outputs
        const y = activation(gpu, 'y', { rows, cols: width, fill: (row, col) => (row + col) / 64 })
        const { buffer, stride } = y.activation
        const got = await run(
          device,
          { rows },
          (r) => linear(r, x.activation, weight, ending(y.activation), { batchClass }),
          { buffer, elements: rows * stride },
        )
        results.push(got)
      }
    }
    for (let i = 0; i < results.length; i += 2) {
      const [got, expected] = [results[i]!, results[i + 1]!]
      const size = Math.sqrt(expected.reduce((sum, value) => sum + value * value, 0))
      const off = Math.sqrt(got.reduce((sum, value, k) => sum + (value - expected[k]!) ** 2, 0))
      expect(off / size).toBeLessThan(2e-2)
      expect(got.filter((_, k) => expected[k] === 0).every((value) => value === 0)).toBe(true)
    }
  })
})
