/** RMS normalization against f64. */
import { afterAll, describe, expect, test } from 'vitest'
import { openGpu } from '../../src/gpu/open.ts'
import { rmsNorm } from '../../src/kernels/rms-norm.ts'
import { createActivation } from '../../src/kernels/shape.ts'
import { disabledFeatures } from '../support/features.ts'
import { activation, misfits, randomNumbers, run } from '../support/gpu.ts'

const gpu = await openGpu({ disableFeatures: disabledFeatures() })
afterAll(() => gpu.dispose())

const EPSILON = 1e-5

async function check(rows: number, cols: number, scale: (row: number) => number, picked?: number[]): Promise<void> {
  const random = randomNumbers(rows * 7 + cols)
  const x = activation(gpu, 'x', { rows, cols, fill: (row) => random() * scale(row) })
  const gain = activation(gpu, 'gain', { rows: 1, cols, fill: random })
  const y = createActivation(gpu, 'y', rows, cols)
  const meta = gpu.createBuffer('rows', rows * 16)
  gpu.write(meta, 0, new Uint32Array((picked ?? []).flatMap((row) => [0, 0, row, 1])))
  const gather = picked !== undefined
  const sources = picked ?? Array.from({ length: rows }, (_, row) => row)
  const got = await run(
    gpu,
    gather ? { rows, outputs: picked.length } : { rows },
    (r) => rmsNorm(r, x.activation, gain.activation.buffer, y, { epsilon: EPSILON, rows: meta, gather }),
    { buffer: y.buffer, elements: sources.length * y.stride },
  )
  const expected = new Float64Array(sources.length * y.stride)
  for (const [i, row] of sources.entries()) {
    const values = x.values.subarray(row * cols, (row + 1) * cols)
    const mean = values.reduce((sum, value) => sum + value * value, 0) / cols
    for (const [col, value] of values.entries()) {
      expected[i * y.stride + col] = (value / Math.sqrt(mean + EPSILON)) * gain.values[col]!
    }
  }
  expect(misfits(got, expected, (i) => 1e-5 * Math.abs(expected[i]!))).toEqual([])
}

describe('rmsNorm', () => {
  test.each([
    [1, 1],
    [3, 20],
    [2, 33],
    [5, 130],
    [2, 1000],
    [1, 4099],
  ])('%i rows of %i', (rows, cols) => check(rows, cols, () => 1))

  test('magnitudes whose squares leave f16, values below epsilon, and zero', () => {
    const scales = [1e4, 300, 1e-4, 0, 1e15]
    return check(5, 67, (row) => scales[row]!)
  })

  test('takes the picked rows in their order', () => check(6, 40, (row) => row + 1, [5, 0, 3, 3]))
})
