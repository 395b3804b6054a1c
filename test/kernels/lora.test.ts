/** What adapters add to matrix products against f64: rows of several adapters and of none, fused matrices, pieces, biases. */
import { afterAll, describe, expect, test, vi } from 'vitest'
import type { Gpu } from '../../src/gpu/device.ts'
import type { BatchClass } from '../../src/gpu/tuning.ts'
import { HARDWARE } from '../../src/gpu/tuning.ts'
import { linear, store } from '../../src/kernels/linear.ts'
import { type LoraParts, type LoraUpdate, loraFacts, loraStart, NOTHING, startStride } from '../../src/kernels/lora.ts'
import { createWeight, withBias } from '../../src/kernels/weight.ts'
import { WEIGHT_LAYOUTS } from '../../src/kernels/weight-layouts.ts'
import { activation, misfits, openVariants, randomNumbers, randomWeight, run } from '../support/gpu.ts'
import { patience } from '../support/patience.ts'

// Software adapters may compile a kernel for half a minute when other work shares the machine.
vi.setConfig({ testTimeout: patience(240_000) })

const variants = await openVariants()
afterAll(() => {
  for (const { gpu } of variants) gpu.dispose()
})

/** One part of an update: A [rank, k] and B [outputs, rank], exact. */
interface Part {
  readonly rank: number
  readonly scale: number
  readonly a: Float64Array
  readonly b: Float64Array
}

interface Case {
  readonly name: string
  readonly batchClass: BatchClass
  readonly hardware?: boolean
  readonly k: number
  /** Outputs of each piece of the matrix; the odd ones have a bias. */
  readonly pieces: readonly number[]
  readonly parts: LoraParts
  /** Outputs of each part. */
  readonly outputs: readonly number[]
  /** Ranks of the parts, by slots. */
  readonly ranks: Readonly<Record<number, readonly number[]>>
  /** Slots of the sequences. */
  readonly slots: readonly number[]
  /** Sequences of the rows. */
  readonly rows: readonly number[]
  /** The output row of each row of x, where x has output rows. */
  readonly gather?: readonly number[]
}

const PLAIN: LoraParts = { bounds: [], interleaved: false }

const CASES: readonly Case[] = [
  {
    name: 'one row, one part',
    batchClass: 1,
    k: 40,
    pieces: [67],
    parts: PLAIN,
    outputs: [67],
    ranks: { 3: [5] },
    slots: [3],
    rows: [0],
  },
  {
    name: 'three parts in two pieces, one of which the adapter leaves alone',
    batchClass: 4,
    k: 33,
    pieces: [50, 20],
    parts: { bounds: [30, 50], interleaved: false },
    outputs: [30, 20, 20],
    ranks: { 1: [8, 0, 3], 2: [1, 2, 0] },
    slots: [1, 0, 2],
    rows: [0, 1, 2],
  },
  {
    name: 'interleaved parts, many rows',
    batchClass: 'many',
    k: 64,
    pieces: [130],
    parts: { bounds: [], interleaved: true },
    outputs: [65, 65],
    ranks: { 7: [4, 9], 4: [2, 2] },
    slots: [0, 4, 7, 9],
    rows: [0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 3, 1, 0],
  },
  {
    name: 'tiles',
    batchClass: 'many',
    hardware: true,
    k: 36,
    pieces: [34, 33],
    parts: PLAIN,
    outputs: [67],
    ranks: { 1: [16] },
    slots: [1, 0],
    rows: Array.from({ length: 37 }, (_, i) => (i % 3 === 0 ? 1 : 0)),
  },
  {
    name: 'output rows',
    batchClass: 4,
    k: 20,
    pieces: [101],
    parts: PLAIN,
    outputs: [101],
    ranks: { 5: [2] },
    slots: [0, 5],
    rows: [1, 0, 0, 1],
    gather: [1, 3],
  },
]

type Random = () => number

/** Output of the whole matrix that output `i` of part `p` is. */
function columnOf({ parts, outputs }: Case, p: number, i: number): number {
  if (parts.interleaved) return 2 * i + p
  return outputs.slice(0, p).reduce((a, b) => a + b, 0) + i
}

function makePart(rank: number, outputs: number, k: number, random: Random): Part {
  const numbers = (length: number) => Float64Array.from({ length }, () => Math.fround(random()))
  return { rank, scale: Math.fround(random() * 2), a: numbers(rank * k), b: numbers(rank * outputs) }
}

function upload(gpu: Gpu, one: Case, slot: number, parts: readonly Part[]): LoraUpdate {
  const rank = Math.ceil(Math.max(...parts.map((part) => part.rank)) / 4) * 4
  const n = one.outputs.reduce((a, b) => a + b, 0)
  const a = createWeight(gpu, 'A', WEIGHT_LAYOUTS.f32, parts.length * rank, one.k)
  const b = createWeight(gpu, 'B', WEIGHT_LAYOUTS.f32, rank, n)
  const write = (weight: typeof a, fill: (put: (row: number, col: number, value: number) => void) => void) => {
    const data = new Float32Array(weight.quants.size / 4)
    const stride = startStride(weight.cols)
    fill((row, col, value) => {
      data[row * stride + col] = value
    })
    gpu.write(weight.quants, 0, data)
  }
  write(a, (put) => {
    for (const [p, part] of parts.entries()) {
      for (let i = 0; i < part.a.length; i++) put(p * rank + Math.floor(i / one.k), i % one.k, part.a[i]!)
    }
  })
  write(b, (put) => {
    for (const [p, part] of parts.entries()) {
      for (let i = 0; i < part.b.length; i++) {
        put(i % part.rank, columnOf(one, p, Math.floor(i / part.rank)), part.b[i]!)
      }
    }
  })
  const words = loraFacts(
    slot,
    rank,
    parts.map(({ scale }) => scale),
  )
  const facts = gpu.createBuffer('facts', words.byteLength)
  gpu.write(facts, 0, words)
  return { slot, a, b, facts }
}

/** What the parts of an adapter add to the outputs of a row. */
function added(one: Case, parts: readonly Part[], x: Float64Array): Float64Array {
  const out = new Float64Array(one.outputs.reduce((a, b) => a + b, 0))
  for (const [p, { rank, scale, a, b }] of parts.entries()) {
    for (let j = 0; j < rank; j++) {
      let sum = 0
      for (let i = 0; i < one.k; i++) sum += a[j * one.k + i]! * x[i]!
      for (let i = 0; i < one.outputs[p]!; i++) {
        const at = columnOf(one, p, i)
        out[at] = out[at]! + scale * sum * b[i * rank + j]!
      }
    }
  }
  return out
}

function buffersFor(gpu: Gpu, one: Case, updates: readonly LoraUpdate[], n: number) {
  const { rows, slots, gather } = one
  const places = new Uint32Array(64 * 4)
  for (const [i, sequence] of rows.entries()) places[4 * i] = sequence
  for (const [i, row] of (gather ?? []).entries()) places[4 * i + 2] = row
  const made = (label: string, data: Uint32Array<ArrayBuffer>) => {
    const buffer = gpu.createBuffer(label, data.byteLength)
    gpu.write(buffer, 0, data)
    return buffer
  }
  return {
    rows: made('rows', places),
    slots: made('slots', Uint32Array.from(slots)),
    nothing: made('nothing', NOTHING),
    down: gpu.createBuffer('down', 64 * Math.max(...updates.map(({ a }) => a.rows)) * 4),
    start: gpu.createBuffer('start', 64 * startStride(n) * 4),
  }
}

describe.each(variants)('adapters with $name', ({ gpu }) => {
  test.each(CASES)('$name', async (one) => {
    const device = one.hardware ? gpu.withTuning(HARDWARE) : gpu
    const { k, pieces, rows, slots, gather } = one
    const random = randomNumbers(k)
    const n = pieces.reduce((a, b) => a + b, 0)
    const count = gather?.length ?? rows.length
    const x = activation(gpu, 'x', { rows: count, cols: k, fill: random })
    const matrices = pieces.map((size) => randomWeight(gpu, 'f16', { rows: size, cols: k, random }))
    const biases = pieces.map((size, i) => Float32Array.from({ length: size }, () => (i % 2 === 1 ? random() : 0)))
    const weights = matrices.map(({ weight }, i) => (i % 2 === 1 ? withBias(gpu, weight, biases[i]!) : weight))
    const adapters = new Map(
      Object.entries(one.ranks).map(([slot, ranks]) => [
        Number(slot),
        ranks.map((rank, p) => makePart(rank, one.outputs[p]!, k, random)),
      ]),
    )
    const updates = [...adapters].map(([slot, parts]) => upload(gpu, one, slot, parts))
    const buffers = buffersFor(gpu, one, updates, n)
    const y = activation(gpu, 'y', { rows: count, cols: n, fill: random })
    const { stride, buffer } = y.activation
    const from = gather === undefined ? 'rows' : 'outputs'
    const batch = { rows: rows.length, outputs: count, adapters: new Set(rows.map((sequence) => slots[sequence]!)) }
    const got = await run(
      device,
      batch,
      (r) => {
        const start = loraStart(r, x.activation, weights, updates, buffers, { parts: one.parts, rows: from })
        linear(r, x.activation, weights, store(y.activation), { batchClass: one.batchClass, rows: from, start })
      },
      { buffer, elements: count * stride },
    )
    const expected = new Float64Array(count * n)
    for (let row = 0; row < count; row++) {
      const inputs = x.values.subarray(row * k, (row + 1) * k)
      const plus = added(one, adapters.get(slots[rows[gather?.[row] ?? row]!]!) ?? [], inputs)
      let at = 0
      for (const [i, { values }] of matrices.entries()) {
        for (let col = 0; col < pieces[i]!; col++, at++) {
          let sum = biases[i]![col]! + plus[at]!
          for (let j = 0; j < k; j++) sum += values[col * k + j]! * inputs[j]!
          expected[row * n + at] = sum
        }
      }
    }
    const dense = Float64Array.from({ length: count * n }, (_, i) => got[Math.floor(i / n) * stride + (i % n)]!)
    expect(misfits(dense, expected, () => 1e-4)).toEqual([])
  })
})
