/** Rows of the embedding table, for every layout of weights. */
import { afterAll, describe, expect, test } from 'vitest'
import { embedding } from '../../src/kernels/embedding.ts'
import { store } from '../../src/kernels/linear.ts'
import { createActivation } from '../../src/kernels/shape.ts'
import { misfits, openVariants, randomNumbers, randomWeight, run, WEIGHT_DTYPES } from '../support/gpu.ts'

const variants = await openVariants()
afterAll(() => {
  for (const { gpu } of variants) gpu.dispose()
})

const SHAPES = [
  [7, 20],
  [5, 33],
  [9, 64],
  [67, 130],
  [3, 1],
] as const

describe.each(variants)('embedding with $name', ({ gpu }) => {
  // The products of a scale and a quantized number are f32, so every type must come out exactly.
  test.each(WEIGHT_DTYPES.flatMap((dtype, d) => [0, 2].map((i) => ({ dtype, shape: SHAPES[(d + i) % 5]! }))))(
    '$dtype table $shape',
    async ({ dtype, shape: [vocab, dim] }) => {
      const { weight, values } = randomWeight(gpu, dtype, { rows: vocab, cols: dim, random: randomNumbers(vocab) })
      const ids = [vocab - 1, 0, 1, vocab - 1, Math.floor(vocab / 2)]
      // The tokens of two sequences, in rows that take them from last to first.
      const history = { buffer: gpu.createBuffer('history', 2 * 4 * 4), positions: 4 }
      const places = ids.map((_, i) => [i % 2, 3 - Math.floor(i / 2)] as const)
      for (const [i, [sequence, position]] of places.entries()) {
        gpu.write(history.buffer, (sequence * 4 + position) * 4, new Uint32Array([ids[i]!]))
      }
      const rows = gpu.createBuffer('rows', ids.length * 16)
      gpu.write(rows, 0, new Uint32Array(places.flatMap(([sequence, position]) => [sequence, position, 0, 1])))
      const x = createActivation(gpu, 'x', ids.length, dim)
      const got = await run(gpu, { rows: ids.length }, (r) => embedding(r, { history, rows }, weight, store(x)), {
        buffer: x.buffer,
        elements: ids.length * x.stride,
      })
      const expected = new Float32Array(ids.length * x.stride)
      for (const [row, id] of ids.entries()) expected.set(values.subarray(id * dim, (id + 1) * dim), row * x.stride)
      // By difference: a zero may have either sign.
      expect(misfits(got, expected, () => 0)).toEqual([])
    },
  )
})
