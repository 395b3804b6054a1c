/** Norms that are folded into the products around them, against f64: for every matmul, layout and ending. */
import { afterAll, describe, expect, test, vi } from 'vitest'
import type { Gpu } from '../../src/gpu/device.ts'
import { Recorder } from '../../src/gpu/recorder.ts'
import { type BatchClass, HARDWARE } from '../../src/gpu/tuning.ts'
import { embedding } from '../../src/kernels/embedding.ts'
import { foldedResidual } from '../../src/kernels/folded-norms.ts'
import { linear, siluGate, store } from '../../src/kernels/linear.ts'
import { createNormed } from '../../src/kernels/residual.ts'
import { createActivation } from '../../src/kernels/shape.ts'
import { type Weight, withBias } from '../../src/kernels/weight.ts'
import {
  activation,
  misfits,
  openVariants,
  type PlainDtype,
  randomNumbers,
  randomWeight,
  run,
  WEIGHT_DTYPES,
} from '../support/gpu.ts'
import { patience } from '../support/patience.ts'

vi.setConfig({ testTimeout: patience(240_000) })

const variants = await openVariants()
afterAll(() => {
  for (const { gpu } of variants) gpu.dispose()
})

const EPSILON = 1e-5

interface Kernel {
  name: string
  batchClass: BatchClass
  rows: number
  hardware?: boolean
}

const KERNELS: readonly Kernel[] = [
  { name: 'vector', batchClass: 1, rows: 1 },
  { name: 'vector of rows', batchClass: 4, rows: 3 },
  { name: 'batch of four', batchClass: 4, rows: 6, hardware: true },
  { name: 'batch of eight', batchClass: 8, rows: 5, hardware: true },
  { name: 'batches of eight', batchClass: 'many', rows: 19 },
  { name: 'tile', batchClass: 'many', rows: 45, hardware: true },
]

/** [inputs of the first product, D, outputs of the second]: below and above a quad, a block, and a workgroup's threads. */
const SHAPES = [
  [40, 67, 34],
  [3, 1, 2],
  [33, 1100, 10],
  [20, 130, 66],
  [64, 96, 130],
] as const

/** All on a GPU. Software adapters compile for seconds: there shapes and layouts take turns. */
function cases(software: boolean) {
  const all = KERNELS.flatMap((kernel) =>
    WEIGHT_DTYPES.flatMap((dtype) => SHAPES.map((shape) => ({ kernel, dtype, shape }))),
  )
  const turns = KERNELS.flatMap((kernel, k) =>
    [0, 1].map((i) => ({
      kernel,
      dtype: WEIGHT_DTYPES[(k + 3 * i) % WEIGHT_DTYPES.length]!,
      shape: SHAPES[(k + 2 * i) % SHAPES.length]!,
    })),
  )
  return (software ? turns : all).map((one) => ({
    ...one,
    name: `${one.kernel.name}, ${one.dtype}, T ${one.kernel.rows}, ${one.shape.join(' → ')}`,
  }))
}

/** rows × weightᵀ in f64, rows [T, K] and weight [N, K]. */
function product(x: Float64Array, w: Float64Array, [T, N, K]: readonly [number, number, number]): Float64Array {
  const y = new Float64Array(T * N)
  for (let i = 0; i < T * N; i++) {
    const row = Math.floor(i / N)
    const col = i % N
    for (let k = 0; k < K; k++) y[i]! += x[row * K + k]! * w[col * K + k]!
  }
  return y
}

function normed(x: Float64Array, gain: Float64Array): Float64Array {
  const D = gain.length
  return x.map((value, i) => {
    const row = x.subarray(Math.floor(i / D) * D, (Math.floor(i / D) + 1) * D)
    const mean = row.reduce((sum, v) => sum + v * v, 0) / D
    return (value / Math.sqrt(mean + EPSILON)) * gain[i % D]!
  })
}

/** The rows and columns that count, of what the GPU left with a stride. */
function unpadded(got: Float32Array, rows: number, cols: number, stride: number): number[] {
  return Array.from({ length: rows * cols }, (_, i) => got[Math.floor(i / cols) * stride + (i % cols)]!)
}

/** Within 1e-5 of the largest: sums of terms that cancel have the error of their terms. */
function close(got: ArrayLike<number>, expected: Float64Array): string[] {
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  return misfits(got, expected, () => 1e-5 * largest)
}

/** A residual stream of random numbers times `scale`, and buffers for its norm. */
function residual(gpu: Gpu, rows: number, D: number, random: () => number, scale: (row: number) => number = () => 1) {
  const x = activation(gpu, 'x', { rows, cols: D, fill: (row) => random() * scale(row) })
  const h = createNormed(gpu, 'h', rows, D)
  const gains = [0, 1].map(() => activation(gpu, 'gain', { rows: 1, cols: D, fill: () => 1 + random() }))
  const metadata = gpu.createBuffer('rows', rows * 16)
  const stream = foldedResidual(new Recorder(gpu), { x: x.activation, h, rows: metadata }, EPSILON)
  return { x, h, gains, metadata, stream }
}

describe.each(variants)('folded norms with $name', ({ gpu }) => {
  test.each(cases(gpu.software))('$name', async ({ kernel, dtype, shape: [K, D, N] }) => {
    const device: Gpu = kernel.hardware ? gpu.withTuning(HARDWARE) : gpu
    const { rows, batchClass } = kernel
    const random = randomNumbers(K * 1000 + D)
    const { x, gains, stream } = residual(gpu, rows, D, random)
    const heads = activation(gpu, 'heads', { rows, cols: K, fill: random })
    const wo = randomWeight(gpu, dtype, { rows: D, cols: K, random })
    const w13 = randomWeight(gpu, dtype, { rows: N, cols: D, random })
    const bias = Float32Array.from({ length: N }, random)
    const hidden = createActivation(gpu, 'hidden', rows, N / 2)
    const gain = gains[0]!
    const record = (biased: boolean) =>
      run(
        device,
        { rows },
        (r) => {
          linear(r, heads.activation, wo.weight, stream.add(gain.activation.buffer), { batchClass })
          const matrix: Weight = biased ? withBias(gpu, w13.weight, bias) : w13.weight
          linear(r, stream.norm(gain.activation.buffer), matrix, siluGate(hidden), { batchClass })
        },
        { buffer: hidden.buffer, elements: rows * hidden.stride },
      )
    // Twice: what is added to the stream the second time must not see what was left of the first.
    const added = product(heads.values, wo.values, [rows, D, K])
    for (const [i, biased] of [false, true].entries()) {
      const got = unpadded(await record(biased), rows, N / 2, hidden.stride)
      const sum = x.values.map((value, at) => value + (i + 1) * added[at]!)
      const both = product(normed(sum, gain.values), w13.values, [rows, N, D])
      const start = (col: number) => (biased ? bias[col]! : 0)
      const expected = Float64Array.from({ length: (rows * N) / 2 }, (_, at) => {
        const gate = both[2 * at]! + start((2 * at) % N)
        return (gate / (1 + Math.exp(-gate))) * (both[2 * at + 1]! + start((2 * at + 1) % N))
      })
      expect(close(got, expected), biased ? 'with a bias' : 'without a bias').toEqual([])
    }
  })

  test.each(WEIGHT_DTYPES.map((dtype, i) => ({ dtype, D: [20, 33, 1, 130, 67][i]! })))(
    'the stream begins with $dtype rows of $D',
    async ({ dtype, D }: { dtype: PlainDtype; D: number }) => {
      const random = randomNumbers(D)
      const table = randomWeight(gpu, dtype, { rows: 5, cols: D, random })
      const output = randomWeight(gpu, 'f32', { rows: 9, cols: D, random })
      const ids = [4, 0, 2]
      const { x, gains, stream, metadata } = residual(gpu, ids.length, D, random)
      const history = { buffer: gpu.createBuffer('history', 16), positions: 4 }
      gpu.write(history.buffer, 0, Uint32Array.from(ids))
      gpu.write(metadata, 0, Uint32Array.from(ids.flatMap((_, position) => [0, position, 0, 1])))
      const y = createActivation(gpu, 'y', ids.length, 9)
      const gain = gains[1]!
      const record = (r: Parameters<Parameters<typeof run>[2]>[0]) => {
        embedding(r, { history, rows: metadata }, table.weight, stream.store(gain.activation.buffer))
        linear(r, stream.norm(gain.activation.buffer), output.weight, store(y), { batchClass: 4 })
      }
      const got = await run(gpu, { rows: 3 }, record, { buffer: y.buffer, elements: 3 * y.stride })
      const rows = Float64Array.from(ids.flatMap((id) => [...table.values.subarray(id * D, (id + 1) * D)]))
      const expected = product(normed(rows, gain.values), output.values, [3, 9, D])
      expect(close(unpadded(got, 3, 9, y.stride), expected)).toEqual([])
      // The stream itself, its padding included.
      const left = await run(gpu, { rows: 3 }, record, {
        buffer: x.activation.buffer,
        elements: 3 * x.activation.stride,
      })
      const exact = new Float64Array(3 * x.activation.stride)
      for (let row = 0; row < 3; row++) exact.set(rows.subarray(row * D, (row + 1) * D), row * x.activation.stride)
      expect(misfits(left, exact, () => 0)).toEqual([])
    },
  )
})

test('magnitudes whose squares leave f16, values below epsilon, and zero', async () => {
  const { gpu } = variants[0]!
  const scales = [1e4, 300, 1e-4, 0, 1e15]
  const random = randomNumbers(3)
  const { x, gains, stream } = residual(gpu, 5, 67, random, (row) => scales[row]!)
  const nothing = randomWeight(gpu, 'f32', { rows: 67, cols: 4, random: () => 0 })
  const zeros = activation(gpu, 'zeros', { rows: 5, cols: 4, fill: () => 0 })
  const { weight, values } = randomWeight(gpu, 'f32', { rows: 6, cols: 67, random })
  const y = createActivation(gpu, 'y', 5, 6)
  const gain = gains[0]!
  const got = await run(
    gpu,
    { rows: 5 },
    (r) => {
      linear(r, zeros.activation, nothing.weight, stream.add(gain.activation.buffer), { batchClass: 4 })
      linear(r, stream.norm(gain.activation.buffer), weight, store(y), { batchClass: 4 })
    },
    { buffer: y.buffer, elements: 5 * y.stride },
  )
  const expected = product(normed(x.values, gain.values), values, [5, 6, 67])
  for (let row = 0; row < 5; row++) {
    const own = unpadded(got, 5, 6, y.stride).slice(row * 6, row * 6 + 6)
    expect(close(own, expected.subarray(row * 6, row * 6 + 6)), `times ${scales[row]}`).toEqual([])
  }
})
