/** Products of rows that are bound as uniforms, beside those of rows in storage buffers, which linear.test.ts compares with f64. */
import { afterAll, describe, expect, test, vi } from 'vitest'
import type { Gpu } from '../../src/gpu/device.ts'
import { openGpu } from '../../src/gpu/open.ts'
import { Recorder } from '../../src/gpu/recorder.ts'
import { linear, store } from '../../src/kernels/linear.ts'
import { loadMatmuls } from '../../src/kernels/load-matmuls.ts'
import type { BatchShape } from '../../src/kernels/shape.ts'
import { withBias } from '../../src/kernels/weight.ts'
import { disabledFeatures } from '../support/features.ts'
import { activation, randomNumbers, randomWeight, run, WEIGHT_DTYPES, withMatmul } from '../support/gpu.ts'
import { patience } from '../support/patience.ts'

vi.setConfig({ testTimeout: patience(240_000) })

const gpu = await openGpu({ disableFeatures: disabledFeatures() })
afterAll(() => gpu.dispose())

/** [N, K]: K whose rows begin where a uniform may, and are as long as one may be. */
const SHAPES = [
  [67, 33],
  [9, 1130],
  [5, 16_384],
] as const

/** Names of the files that the product of such matrices takes. */
async function filesOf(device: Gpu, [n, k]: readonly [number, number]): Promise<string[]> {
  await loadMatmuls(device.tuning)
  const x = activation(gpu, 'x', { rows: 1, cols: k, fill: () => 0 })
  const { weight } = randomWeight(gpu, 'q4', { rows: n, cols: k, random: () => 0 })
  const files: string[] = []
  const recorder = new Recorder<BatchShape>(device)
  recorder.dispatch = (_, parts) => files.push(...parts.map(({ module }) => module.name))
  linear(recorder, x.activation, weight, store(x.activation), { batchClass: 1 })
  return files
}

describe.runIf(gpu.tuning.subgroupLanes >= 8)('rows that are uniforms', () => {
  const uniform = gpu.withTuning({ uniformRows: 1, sharedBindGroups: false })
  const plain = gpu.withTuning({ uniformRows: Infinity })

  const kernels = [
    ['rows1', [1]],
    ['rows4', [3]],
    ['rows8', [5, 19]],
    ['rows16', [19, 27]],
  ] as const
  test.each(
    kernels.flatMap(([variant, rows]) =>
      WEIGHT_DTYPES.flatMap((dtype, i) => rows.map((T) => ({ variant, dtype, T, i }))),
    ),
  )('$variant, $dtype, T $T: the same bits', async ({ variant, dtype, T, i }) => {
    const [n, k] = SHAPES[(i + T) % SHAPES.length]!
    const random = randomNumbers(n + k)
    const x = activation(gpu, 'x', { rows: T, cols: k, fill: random })
    const { weight: unbiased } = randomWeight(gpu, dtype, { rows: n, cols: k, random })
    const weight = i % 2 === 0 ? unbiased : withBias(gpu, unbiased, Float32Array.from({ length: n }, random))
    const results: Float32Array[] = []
    for (const device of [uniform, plain]) {
      const y = activation(gpu, 'y', { rows: T, cols: n, fill: () => 7 })
      const { buffer, stride } = y.activation
      const record = (r: Recorder<BatchShape>) =>
        linear(r, x.activation, weight, store(y.activation), { batchClass: 1 })
      results.push(await run(withMatmul(device, variant), { rows: T }, record, { buffer, elements: T * stride }))
      buffer.destroy()
    }
    expect(results[0]!.some((value) => value !== 7 && value !== 0)).toBe(true)
    expect(results[0]).toEqual(results[1])
    for (const part of [x.activation.buffer, weight.quants, weight.scales, weight.bias]) part?.destroy()
  })

  test('are for large matrices, whose rows begin where uniforms may and are no longer than they may be', async () => {
    const device = withMatmul(gpu.withTuning({ uniformRows: 5 * 1130, sharedBindGroups: false }), 'rows1')
    expect(await filesOf(device, [5, 1130])).toContain('share_uniform')
    expect(await filesOf(device, [4, 1130])).toContain('share_subgroup')
    expect(await filesOf(device, [60, 100])).toContain('share_uniform')
    expect(await filesOf(device, [60, 96])).toContain('share_subgroup')
    expect(await filesOf(device, [5, 16_385])).toContain('share_subgroup')
    const shared = withMatmul(gpu.withTuning({ uniformRows: 1, sharedBindGroups: true }), 'rows1')
    expect(await filesOf(shared, [5, 1130])).toContain('share_subgroup')
    const wide = withMatmul(gpu.withTuning({ uniformRows: 5 * 1130, sharedBindGroups: false }), 'rows16')
    expect(await filesOf(wide, [5, 1130])).toContain('matmul_wide')
    expect(await filesOf(wide, [4, 1130])).not.toContain('matmul_wide')
  })

  test('windows without rows are not dispatched, nor sixteen rows where eight are enough', async () => {
    const x = activation(gpu, 'x', { rows: 32, cols: 64, fill: () => 1 })
    const y = activation(gpu, 'y', { rows: 32, cols: 8, fill: () => 7 })
    const { weight } = randomWeight(gpu, 'q4', { rows: 8, cols: 64, random: () => 0.5 })
    for (const [variant, rows, dispatches] of [
      ['rows4', 4, 1],
      ['rows4', 9, 3],
      ['rows4', 16, 4],
      ['rows16', 8, 1],
      ['rows16', 9, 1],
      ['rows16', 16, 1],
      ['rows16', 24, 2],
      ['rows16', 32, 2],
    ] as const) {
      const device = withMatmul(uniform, variant)
      const before = gpu.counters.dispatches
      await run(device, { rows }, (r) => linear(r, x.activation, weight, store(y.activation), { batchClass: 4 }))
      expect(gpu.counters.dispatches - before).toBe(dispatches)
    }
  })
})
