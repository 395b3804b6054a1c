/** Attention and the end of its projection against f64, in every variant. */
import { afterAll, describe, expect, test, vi } from 'vitest'
import type { Gpu } from '../../src/gpu/device.ts'
import { HARDWARE, type Tuning } from '../../src/gpu/tuning.ts'
import { attentionVariant, rowsPerTile } from '../../src/kernels/attention.ts'
import { openVariants } from '../support/gpu.ts'
import { patience } from '../support/patience.ts'
import type { StageOptions } from './attention-numbers.ts'
import { AttentionStage } from './attention-stage.ts'

// Software adapters may compile a kernel for half a minute when other work shares the machine.
vi.setConfig({ testTimeout: patience(240_000) })

const variants = await openVariants()
afterAll(() => {
  for (const { gpu } of variants) gpu.dispose()
})

interface Case extends StageOptions {
  name: string
}

/** Groups of one to six query heads, heads from 2 to 256 wide, windows, rings that wrap, both cache types. */
const CASES: readonly Case[] = (
  [
    { nHeads: 1, nKvHeads: 1, headDim: 2, dtype: 'f32', sequences: 2, positions: 40 },
    { nHeads: 4, nKvHeads: 1, headDim: 6, dtype: 'f32', window: 1, sequences: 2, positions: 40 },
    { nHeads: 8, nKvHeads: 2, headDim: 16, dtype: 'f16', window: 4, sequences: 3, positions: 40 },
    { nHeads: 6, nKvHeads: 3, headDim: 20, dtype: 'f32', window: 7, sequences: 2, positions: 50 },
    { nHeads: 5, nKvHeads: 1, headDim: 64, dtype: 'f32', sequences: 1, positions: 150 },
    { nHeads: 12, nKvHeads: 2, headDim: 16, dtype: 'f16', window: 70, sequences: 2, positions: 100 },
    { nHeads: 2, nKvHeads: 1, headDim: 128, dtype: 'f16', sequences: 2, positions: 80 },
    { nHeads: 2, nKvHeads: 2, headDim: 256, dtype: 'f32', window: 9, sequences: 1, positions: 30 },
    { nHeads: 2, nKvHeads: 1, headDim: 8, dtype: 'f32', gain: 12, sequences: 1, positions: 90 },
    { nHeads: 3, nKvHeads: 1, headDim: 80, dtype: 'f32', window: 33, sequences: 1, positions: 70 },
    // Blocks of 8 bits that are whole, short, alone, and odd in number.
    { nHeads: 2, nKvHeads: 1, headDim: 2, dtype: 'q8', sequences: 2, positions: 40 },
    { nHeads: 6, nKvHeads: 3, headDim: 20, dtype: 'q8', window: 7, sequences: 2, positions: 50 },
    { nHeads: 3, nKvHeads: 1, headDim: 72, dtype: 'q8', window: 40, sequences: 2, positions: 70 },
    { nHeads: 2, nKvHeads: 2, headDim: 98, dtype: 'q8', sequences: 1, positions: 40 },
    { nHeads: 8, nKvHeads: 2, headDim: 128, dtype: 'q8', gain: 12, sequences: 1, positions: 80 },
  ] as const
).map((options) => {
  const window = 'window' in options ? `window ${options.window}` : 'no window'
  const sharp = 'gain' in options ? ', large scores' : ''
  const { nHeads, nKvHeads, headDim, dtype } = options
  return { ...options, name: `${nHeads}/${nKvHeads} heads of ${headDim}, ${window}, ${dtype} cache${sharp}` }
})

const CHUNK = 12

/** Compiling takes software adapters seconds: a case has two of the variants, and the next one others, unless nightly runs want all. */
const everything = process.env.TEST_VARIANTS === 'all'

/** The device with each variant that a case has; splits of few keys make many of them. */
function views(gpu: Gpu, turn: number): Gpu[] {
  const tunings: Partial<Tuning>[] = [
    { attention: 'rows', keysPerSplit: 64 },
    { attention: 'tiles', keysPerSplit: 7 },
    // Subgroups of four lanes are one half of those of eight.
    ...[4, 8]
      .filter((lanes) => lanes <= gpu.tuning.subgroupLanes)
      .map((lanes) => ({ attention: 'lanes', keysPerSplit: 9 * lanes, subgroupLanes: lanes }) as const),
  ]
  const mine = tunings.filter((_, i) => everything || (i + turn) % tunings.length < 2)
  return mine.map((tuning) => gpu.withTuning(tuning))
}

describe.each(variants)('attention with $name', ({ gpu }) => {
  // Without features the kernels differ in how they read a cache, but for f32.
  const cases = CASES.filter(({ dtype }) => gpu === variants[0]!.gpu || dtype !== 'f32')

  test.each(cases)('$name', async (options) => {
    const turn = CASES.indexOf(options)
    const stage = await AttentionStage.open(gpu, options, CHUNK)
    for (let first = 0; first < options.positions; first += CHUNK) {
      const length = Math.min(CHUNK, options.positions - first)
      for (let sequence = 0; sequence < options.sequences; sequence++) {
        await stage.write(Array.from({ length }, (_, i) => ({ sequence, position: first + i })))
        // The last chunk in all ways.
        const last = first + CHUNK >= options.positions
        for (const device of last ? views(gpu, turn) : first === 0 ? [gpu] : []) {
          expect(await stage.misfits(device, 'many', 1), device.tuning.attention).toEqual([])
        }
      }
    }

    expect(stage.packMisfits).toEqual([])

    // Rows of several sequences at different places in one batch; more splits than there are keys.
    const rows = Array.from({ length: options.sequences }, (_, sequence) => ({ sequence, position: options.positions }))
    await stage.write(rows)
    for (const splits of [1, 3, 16]) {
      for (const device of views(gpu, turn)) {
        const { attention, keysPerSplit } = device.tuning
        expect(await stage.misfits(device, 1, splits), `${splits} splits of ${keysPerSplit}, ${attention}`).toEqual([])
      }
    }
    expect(stage.packMisfits).toEqual([])
    stage.destroy()
  })

  test('one batch of runs that start at different positions', async () => {
    const options = {
      nHeads: 4,
      nKvHeads: 2,
      headDim: 16,
      dtype: 'f16',
      window: 5,
      sequences: 3,
      positions: 60,
    } as const
    const stage = await AttentionStage.open(gpu, options, CHUNK)
    const run = (sequence: number, first: number, length: number) =>
      Array.from({ length }, (_, i) => ({ sequence, position: first + i }))
    for (let first = 0; first < 24; first += CHUNK) await stage.write(run(2, first, CHUNK))
    await stage.write([...run(2, 24, 5), ...run(0, 0, 6), ...run(1, 0, 1)])
    for (const device of views(gpu, 0)) {
      expect(await stage.misfits(device, 'many', 1), device.tuning.attention).toEqual([])
    }
    stage.destroy()
  })
})

test('takes tiles of several rows on hardware alone', () => {
  const { gpu } = variants[0]!
  const hardware = gpu.withTuning(HARDWARE)
  expect([64, 128, 256, 512].map((headDim) => rowsPerTile(hardware, headDim, 'many'))).toEqual([4, 4, 2, 1])
  expect(rowsPerTile(hardware, 128, 1)).toBe(1)
  if (gpu.software) expect(rowsPerTile(gpu, 128, 'many')).toBe(1)
})

test('heads that the lanes of a subgroup cannot hold are taken in workgroup memory', () => {
  const { gpu } = variants[0]!
  const variantsWith = (subgroupLanes: number) => {
    const device = gpu.withTuning({ attention: 'lanes', subgroupLanes })
    return [20, 32, 128, 256, 264].map((headDim) => attentionVariant(device, headDim))
  }
  expect(variantsWith(32)).toEqual(['rows', 'lanes', 'lanes', 'lanes', 'rows'])
  expect(variantsWith(4)).toEqual(['rows', 'lanes', 'lanes', 'rows', 'rows'])
  expect(variantsWith(0)).toEqual(['rows', 'rows', 'rows', 'rows', 'rows'])
})

describe('the end of the q, k, v projection', () => {
  test.each([
    { batchClass: 1, rows: 1, dtype: 'f32', hardware: false },
    { batchClass: 4, rows: 3, dtype: 'f16', hardware: true },
    { batchClass: 'many', rows: 11, dtype: 'f16', hardware: true },
    { batchClass: 1, rows: 1, dtype: 'q8', hardware: false },
    { batchClass: 4, rows: 3, dtype: 'q8', hardware: true },
    { batchClass: 'many', rows: 11, dtype: 'q8', hardware: true },
  ] as const)('at batchClass $batchClass, $dtype cache', async ({ batchClass, rows, dtype, hardware }) => {
    const { gpu } = variants[0]!
    const options = { nHeads: 3, nKvHeads: 3, headDim: 10, dtype, window: 2, sequences: 2, positions: 40 } as const
    const stage = await AttentionStage.open(hardware ? gpu.withTuning(HARDWARE) : gpu, options, CHUNK, batchClass)
    // From the middle of the ring over its end; rows of the last tile beyond the batch are padding.
    const batch = Array.from({ length: rows }, (_, i) => ({ sequence: 1, position: 11 + i }))
    await stage.write(batch)
    expect([...stage.packMisfits, ...(await stage.projectionMisfits())]).toEqual([])
    stage.destroy()
  })

  test('clamps what f16 cannot hold', async () => {
    const { gpu } = variants[0]!
    const shape = { nHeads: 1, nKvHeads: 1, headDim: 2, dtype: 'f16', sequences: 1, positions: 8 } as const
    const stage = await AttentionStage.open(gpu, { ...shape, gain: 1e12 }, CHUNK)
    await stage.write([{ sequence: 0, position: 0 }])
    expect(stage.largestKey).toBeGreaterThan(65504)
    expect(await stage.projectionMisfits()).toEqual([])
    stage.destroy()
  })
})
