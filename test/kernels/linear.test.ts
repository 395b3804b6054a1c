/** Matrix products against f64, for every variant, layout and ending. */
import { afterAll, describe, expect, test, vi } from 'vitest'
import type { BatchClass, MatmulVariant } from '../../src/gpu/tuning.ts'
import { add, linear, siluGate, store } from '../../src/kernels/linear.ts'
import { withBias } from '../../src/kernels/weight.ts'
import {
  activation,
  misfits,
  openVariants,
  type PlainDtype,
  randomNumbers,
  randomWeight,
  run,
  WEIGHT_DTYPES,
  withMatmul,
} from '../support/gpu.ts'
import { patience } from '../support/patience.ts'

// Software adapters may compile a kernel for half a minute when other work shares the machine.
vi.setConfig({ testTimeout: patience(240_000) })

const variants = await openVariants()
afterAll(() => {
  for (const { gpu } of variants) gpu.dispose()
})

const EMITS = ['store', 'add', 'siluGate'] as const
/** [N, K]: one of everything, below and above a quad, a block, a tile, and the lanes of a workgroup. */
const SHAPES = [
  [1, 1],
  [67, 33],
  [3, 20],
  [130, 64],
  [6, 1100],
  [64, 129],
  [9, 100],
] as const
interface Kernel {
  name: string
  variant: MatmulVariant
  batchClass: BatchClass
  rows: readonly number[]
  /** A software adapter compiles it for many seconds: there only some types are tried. */
  few?: readonly PlainDtype[]
}

const KERNELS: readonly Kernel[] = [
  { name: 'vector', variant: 'vector', batchClass: 1, rows: [1, 1] },
  { name: 'vector of rows', variant: 'vector', batchClass: 4, rows: [3] },
  { name: 'rows by one', variant: 'rows1', batchClass: 1, rows: [1] },
  { name: 'rows by four', variant: 'rows4', batchClass: 4, rows: [3] },
  { name: 'rows by eight', variant: 'rows8', batchClass: 'many', rows: [19] },
  { name: 'batch of four', variant: 'batch4', batchClass: 4, rows: [6] },
  { name: 'batch of eight', variant: 'batch8', batchClass: 8, rows: [5], few: ['q4'] },
  { name: 'batches of eight', variant: 'batch8', batchClass: 'many', rows: [19], few: ['f16'] },
  { name: 'tile', variant: 'tile', batchClass: 'many', rows: [33] },
]

interface Case {
  name: string
  kernel: Kernel
  dtype: PlainDtype
  rows: number
  n: number
  k: number
  emit: (typeof EMITS)[number]
  bias: boolean
}

/** All combinations on a GPU. On a software adapter, which compiles slowly, shape and ending take turns. */
function cases(software: boolean, second: boolean): Case[] {
  const list: Case[] = []
  const start = second ? 10 : 0
  for (const dtype of WEIGHT_DTYPES) {
    for (const kernel of KERNELS) {
      if (software && kernel.few?.includes(dtype) === false) continue
      // How a type is read has been tried by then, but for f16, which has two ways.
      if (software && second && kernel.batchClass !== 1 && dtype !== 'f16' && !kernel.variant.startsWith('rows'))
        continue
      for (const rows of kernel.rows) {
        const turn = start + list.length
        const shapes = software ? [SHAPES[turn % SHAPES.length]!] : SHAPES
        const emits = software ? [EMITS[turn % EMITS.length]!] : EMITS
        for (const [width, k] of shapes) {
          for (const emit of emits) {
            // Gate and value come in pairs.
            const n = emit === 'siluGate' ? width + (width % 2) : width
            const bias = (start + list.length) % 2 === 1
            list.push({
              name: `${kernel.name}, ${dtype}, T ${rows}, N ${n}, K ${k}, ${emit}${bias ? ', bias' : ''}`,
              kernel,
              dtype,
              rows,
              n,
              k,
              emit,
              bias,
            })
          }
        }
      }
    }
  }
  return list
}

describe.each(variants)('linear with $name', ({ gpu }) => {
  test.each(cases(gpu.software, gpu !== variants[0]!.gpu))(
    '$name',
    async ({ kernel, dtype, rows, n, k, emit, bias }) => {
      const device = withMatmul(gpu, kernel.variant)
      const random = randomNumbers(n * 1000 + k)
      const x = activation(gpu, 'x', { rows, cols: k, fill: random })
      const { weight: plain, values: w } = randomWeight(gpu, dtype, { rows: n, cols: k, random })
      const start = Float32Array.from({ length: n }, () => (bias ? 3 * random() : 0))
      const weight = bias ? withBias(gpu, plain, start) : plain
      const outputs = emit === 'siluGate' ? n / 2 : n
      const y = activation(gpu, 'y', { rows, cols: outputs, fill: random })
      const ending = { store, add, siluGate }[emit](y.activation)
      const { stride, buffer } = y.activation
      const got = await run(
        device,
        { rows },
        (r) => linear(r, x.activation, weight, ending, { batchClass: kernel.batchClass }),
        {
          buffer,
          elements: rows * stride,
        },
      )

      // Padding beyond the outputs stays zero: the next matmul reads it.
      const expected = new Float64Array(rows * stride)
      const tolerance = new Float64Array(rows * stride)
      for (let row = 0; row < rows; row++) {
        const dots = Array.from({ length: n }, (_, col) => product(x.values, row * k, w, col * k, k, start[col]!))
        for (let col = 0; col < outputs; col++) {
          const at = row * stride + col
          const before = y.values[row * outputs + col]!
          const { value, error } = emit === 'siluGate' ? gated(dots[2 * col]!, dots[2 * col + 1]!) : dots[col]!
          expected[at] = emit === 'add' ? before + value : value
          tolerance[at] = error + (emit === 'add' ? 1e-6 * Math.abs(before) : 0)
        }
      }
      expect(misfits(got, expected, (i) => tolerance[i]!)).toEqual([])
      for (const part of [x.activation.buffer, buffer, weight.quants, weight.scales, weight.bias]) part?.destroy()
    },
  )
})

test('SiLU has its limits where exp overflows', async () => {
  const { gpu } = variants[0]!
  const gates = [-200, -89, -20, 0, 20, 89, 200]
  const x = activation(gpu, 'x', { rows: 1, cols: 14, fill: (_, col) => (col % 2 === 0 ? gates[col / 2]! : 1) })
  const { weight } = randomWeight(gpu, 'f32', { rows: 14, cols: 14, random: () => 0 })
  const identity = new Float32Array(weight.quants.size / 4)
  for (let i = 0; i < 14; i++) identity[i * 32 + i] = 1
  gpu.write(weight.quants, 0, identity)
  const y = activation(gpu, 'y', { rows: 1, cols: 7, fill: () => 9 })
  const got = await run(gpu, {}, (r) => linear(r, x.activation, weight, siluGate(y.activation), { batchClass: 1 }), {
    buffer: y.activation.buffer,
    elements: 7,
  })
  const expected = gates.map((gate) => gate / (1 + Math.exp(-gate)))
  expect(misfits(got, expected, (i) => 1e-5 * Math.abs(expected[i]!) + 1e-30)).toEqual([])
})

test('counts the rows that want logits when asked to', async () => {
  const { gpu } = variants[0]!
  const random = randomNumbers(5)
  const x = activation(gpu, 'x', { rows: 20, cols: 8, fill: random })
  const { weight } = randomWeight(gpu, 'f32', { rows: 8, cols: 8, random })
  const y = activation(gpu, 'y', { rows: 20, cols: 8, fill: () => 0.5 })
  const got = await run(
    gpu,
    { rows: 20, outputs: 9 },
    (r) => linear(r, x.activation, weight, store(y.activation), { batchClass: 4, rows: 'outputs' }),
    { buffer: y.activation.buffer, elements: 20 * 32 },
  )
  const touched = Array.from({ length: 20 }, (_, row) => got[row * 32] !== 0.5)
  expect(touched.slice(0, 9)).not.toContain(false)
  // Batches of four may go on to the twelfth.
  expect(touched.slice(12)).not.toContain(true)
})

test('refuses operands that do not fit', async () => {
  const { gpu } = variants[0]!
  const x = activation(gpu, 'x', { rows: 1, cols: 8, fill: () => 0 })
  const { weight } = randomWeight(gpu, 'f32', { rows: 4, cols: 9, random: () => 0 })
  const record = run(gpu, {}, (r) => linear(r, x.activation, weight, store(x.activation), { batchClass: 1 }))
  await expect(record).rejects.toThrow('f32 weight: 8 columns, expected 9')
})

interface Approximate {
  value: number
  error: number
}

function product(x: Float64Array, atX: number, w: Float64Array, atW: number, k: number, start: number): Approximate {
  let value = start
  let magnitude = Math.abs(start)
  for (let i = 0; i < k; i++) {
    const term = x[atX + i]! * w[atW + i]!
    value += term
    magnitude += Math.abs(term)
  }
  return { value, error: 3e-6 * magnitude + 1e-30 }
}

function gated(gate: Approximate, up: Approximate): Approximate {
  const silu = gate.value / (1 + Math.exp(-gate.value))
  const value = silu * up.value
  // The slope of SiLU stays below 1.1.
  const error = 1.1 * gate.error * Math.abs(up.value) + Math.abs(silu) * up.error + 1e-5 * Math.abs(value) + 1e-30
  return { value, error }
}
