/** Weights as they come to the GPU. */
import { afterAll, describe, expect, test } from 'vitest'
import { AbortError } from '../../src/errors.ts'
import { openGpu } from '../../src/gpu/open.ts'
import { embedding } from '../../src/kernels/embedding.ts'
import { store } from '../../src/kernels/linear.ts'
import { createActivation } from '../../src/kernels/shape.ts'
import type { Matrix } from '../../src/kernels/weight.ts'
import { loadWeights } from '../../src/model/weights.ts'
import { disabledFeatures } from '../support/features.ts'
import { misfits, run } from '../support/gpu.ts'
import { MemoryCheckpoint, type Shape } from './memory-checkpoint.ts'

const gpu = await openGpu({ disableFeatures: disabledFeatures() })
afterAll(() => gpu.dispose())

/** Rows of a matrix on the GPU, as the embedding kernel reads them. */
async function rowsOf(matrix: Matrix): Promise<number[][]> {
  const weight = { rows: countOf(matrix), cols: matrix[0]!.cols }
  const history = { buffer: gpu.createBuffer('history', weight.rows * 4), positions: weight.rows }
  const rows = gpu.createBuffer('rows', weight.rows * 16)
  const ids = Array.from({ length: weight.rows }, (_, i) => i)
  gpu.write(history.buffer, 0, Uint32Array.from(ids))
  gpu.write(rows, 0, Uint32Array.from(ids.flatMap((position) => [0, position, 0, 1])))
  const x = createActivation(gpu, 'x', weight.rows, weight.cols)
  const elements = weight.rows * x.stride
  const all = await run(gpu, { rows: weight.rows }, (r) => embedding(r, { history, rows }, matrix, store(x)), {
    buffer: x.buffer,
    elements,
  })
  for (const buffer of [history.buffer, rows, x.buffer]) buffer.destroy()
  return Array.from({ length: weight.rows }, (_, i) => [...all.subarray(i * x.stride, i * x.stride + weight.cols)])
}

const countOf = (matrix: Matrix) => matrix.reduce((sum, { rows }) => sum + rows, 0)

async function expectRows(weight: Matrix, expected: readonly number[][], tolerance = 0): Promise<void> {
  expect(countOf(weight)).toBe(expected.length)
  expect(misfits((await rowsOf(weight)).flat(), expected.flat(), () => tolerance)).toEqual([])
}

const range = (count: number) => Array.from({ length: count }, (_, i) => i)

describe('weights', () => {
  test.each<[string, Shape]>([
    ['f32, nothing a multiple', { dim: 21, hiddenDim: 19, vocab: 11, dtype: 'f32' }],
    ['bf16', { dim: 36, hiddenDim: 10, vocab: 7, dtype: 'bf16' }],
    ['q4_0 and q8_0', { dim: 64, hiddenDim: 32, vocab: 9, dtype: 'q4_0', types: { 'layers.0.wv': 'q8_0' } }],
    [
      'q8_0 with one f16 projection',
      { dim: 32, hiddenDim: 64, vocab: 9, dtype: 'q8_0', types: { 'layers.0.w3': 'f16' } },
    ],
  ])('of %s keep their values', async (_, shape) => {
    const memory = new MemoryCheckpoint(shape)
    const { tokEmbeddings, output, layers } = await loadWeights(gpu, memory.asCheckpoint(), { weights: 'native' })
    const { wqkv, wo, w13, w2 } = layers[0]!
    const rows = (name: string, count: number) => range(count).map((row) => memory.row(`layers.0.${name}`, row))
    await expectRows(
      tokEmbeddings,
      range(shape.vocab).map((row) => memory.row('tokEmbeddings', row)),
    )
    await expectRows(
      output,
      range(shape.vocab).map((row) => memory.row('output', row)),
    )
    // Each layout is a piece of its own, so that none takes more than the file's bytes.
    const mixed = shape.types?.['layers.0.wv'] !== undefined
    const [qk, v] = [[...rows('wq', 12), ...rows('wk', 6)], rows('wv', 6)]
    const pieces = mixed ? [qk, v] : [[...qk, ...v]]
    expect(wqkv).toHaveLength(pieces.length)
    for (const [i, piece] of pieces.entries()) await expectRows([wqkv[i]!], piece)
    await expectRows(wo, rows('wo', shape.dim))
    await expectRows(w2, rows('w2', shape.dim))
    const [w1, w3] = [rows('w1', shape.hiddenDim), rows('w3', shape.hiddenDim)]
    await expectRows(
      w13,
      range(2 * shape.hiddenDim).map((row) => (row % 2 === 0 ? w1 : w3)[row >> 1]!),
    )
  })

  test('of Hugging Face get the rotated pairs of q and k next to each other', async () => {
    const memory = new MemoryCheckpoint({ dim: 21, hiddenDim: 8, vocab: 5, dtype: 'f32', ropePairing: 'half' })
    const { layers } = await loadWeights(gpu, memory.asCheckpoint(), { weights: 'native' })
    const order = [0, 3, 1, 4, 2, 5]
    const wq = [...order, ...order.map((row) => 6 + row)].map((row) => memory.row('layers.0.wq', row))
    const wk = order.map((row) => memory.row('layers.0.wk', row))
    const wv = range(6).map((row) => memory.row('layers.0.wv', row))
    await expectRows(layers[0]!.wqkv, [...wq, ...wk, ...wv])
  })

  test('that are tied are one matrix', async () => {
    const memory = new MemoryCheckpoint({ dim: 8, hiddenDim: 8, vocab: 5, dtype: 'f32', tied: true })
    const { tokEmbeddings, output } = await loadWeights(gpu, memory.asCheckpoint(), { weights: 'native' })
    expect(output).toBe(tokEmbeddings)
  })

  test.each<[string, Shape]>([
    ['one piece', { dim: 8, hiddenDim: 8, vocab: 5, dtype: 'f16', twins: 'same' }],
    ['two pieces', { dim: 1030, hiddenDim: 8, vocab: 1301, dtype: 'f32', twins: 'same' }],
    ['two types', { dim: 8, hiddenDim: 8, vocab: 5, dtype: 'f16', types: { output: 'f32' }, twins: 'same' }],
  ])('that may be tied and are equal become one matrix: %s', async (_, shape) => {
    const memory = new MemoryCheckpoint(shape)
    const notes: string[] = []
    let loaded = 0
    const { tokEmbeddings, output } = await loadWeights(gpu, memory.asCheckpoint(), {
      weights: 'native',
      onProgress: (bytes) => {
        loaded = bytes
      },
      note: (text) => notes.push(text),
    })
    expect(output).toBe(tokEmbeddings)
    expect(notes).toEqual([])
    // Each was read once and counts once.
    const bytesOf = (name: string) =>
      memory.reads.filter((read) => read.name === name).reduce((n, r) => n + r.length, 0)
    const size = { f16: 2, f32: 4 } as Record<string, number>
    expect(bytesOf('tokEmbeddings')).toBe(shape.vocab * shape.dim * size[shape.dtype]!)
    expect(bytesOf('output')).toBe(shape.vocab * shape.dim * size[shape.types?.output ?? shape.dtype]!)
    expect(loaded).toBe(memory.reads.reduce((sum, { length }) => sum + length, 0))
  })

  test('that may be tied and differ in one element stay two, and the user hears of it', async () => {
    const memory = new MemoryCheckpoint({ dim: 1030, hiddenDim: 8, vocab: 1301, dtype: 'f32', twins: 'different' })
    const notes: string[] = []
    const progress: number[] = []
    const { tokEmbeddings, output } = await loadWeights(gpu, memory.asCheckpoint(), {
      weights: 'native',
      onProgress: (bytes) => progress.push(bytes),
      note: (text) => notes.push(text),
    })
    expect(output).not.toBe(tokEmbeddings)
    await expectRows(
      output,
      range(1301).map((row) => memory.row('output', row)),
    )
    expect(notes).toEqual([expect.stringMatching(/tie_word_embeddings, but output differs from tokEmbeddings/)])
    const total = [...memory.values.values()].reduce((sum, values) => sum + values.byteLength, 0)
    expect(progress.at(-1)).toBe(total)
    expect(progress).toEqual(progress.toSorted((a, b) => a - b))
  })

  test.each([false, true])('come in pieces that leave no seam, staged: %s', async (staged) => {
    // 5 MiB of embeddings and of fused rows: two pieces each.
    const memory = new MemoryCheckpoint({ dim: 1030, hiddenDim: 650, vocab: 1301, dtype: 'f32' })
    const progress: [number, string][] = []
    const weights = await loadWeights(gpu, memory.asCheckpoint(), {
      weights: 'q8',
      staged,
      onProgress: (bytes, tensor) => progress.push([bytes, tensor]),
    })
    expect(memory.reads.filter(({ name }) => name === 'tokEmbeddings').length).toBeGreaterThan(1)
    expect(Math.max(...memory.reads.map(({ length }) => length))).toBeLessThanOrEqual(4 << 20)
    // Each byte is read once.
    const total = [...memory.values.values()].reduce((sum, values) => sum + values.byteLength, 0)
    expect(progress.at(-1)![0]).toBe(total)
    expect(progress.map(([, tensor]) => tensor)).toEqual(memory.reads.map(({ name }) => name))
    // Half a step; scales that are tried reach as far as 123 steps.
    const half = 1 / 122 / 2
    await expectRows(
      weights.tokEmbeddings,
      range(1301).map((row) => memory.row('tokEmbeddings', row)),
      half,
    )
    const w13 = range(1300).map((row) => memory.row(`layers.0.${row % 2 === 0 ? 'w1' : 'w3'}`, row >> 1))
    await expectRows(weights.layers[0]!.w13, w13, half)
  })

  test('of 4 bits keep 8 at both ends', async () => {
    const memory = new MemoryCheckpoint({ dim: 40, hiddenDim: 8, vocab: 5, dtype: 'f32' })
    const { tokEmbeddings, output, layers } = await loadWeights(gpu, memory.asCheckpoint(), { weights: 'q4' })
    expect([tokEmbeddings, output].map(([piece]) => piece!.layout.name)).toEqual(['q8', 'q8'])
    const { wqkv, wo, w13, w2 } = layers[0]!
    expect([...wqkv, ...wo, ...w13, ...w2].map(({ layout }) => layout.name)).toEqual(['q4', 'q4', 'q4', 'q4'])
    await expectRows(
      wo,
      range(40).map((row) => memory.row('layers.0.wo', row)),
      1 / 4,
    )
  })

  test('that are rounded say by how much', async () => {
    const types = { 'layers.0.w2': 'q4_0' } as const
    const memory = new MemoryCheckpoint({ dim: 64, hiddenDim: 32, vocab: 5, dtype: 'f32', types })
    const { quantization, layers } = await loadWeights(gpu, memory.asCheckpoint(), { weights: 'q4' })
    // Taken over as it is in the file.
    expect(quantization?.byMatrix.w2).toBeUndefined()
    const { byMatrix, relativeError, weights } = quantization!
    expect(weights).toBe('q4')
    expect(Object.keys(byMatrix).sort()).toEqual(['output', 'tokEmbeddings', 'w1', 'w3', 'wk', 'wo', 'wq', 'wv'])
    for (const kind of ['output', 'tokEmbeddings']) expect(byMatrix[kind]).toBeLessThan(0.006)
    const stored = (await rowsOf(layers[0]!.wo)).flat()
    const exact = range(64).flatMap((row) => memory.row('layers.0.wo', row))
    const squares = (values: readonly number[]) => values.reduce((sum, value) => sum + value * value, 0)
    const error = Math.sqrt(squares(stored.map((value, i) => value - exact[i]!)) / squares(exact))
    expect(byMatrix.wo! / error).toBeCloseTo(1, 4)
    expect(relativeError).toBeGreaterThan(0.02)
    expect(relativeError).toBeLessThan(Math.max(...Object.values(byMatrix)))
    const native = await loadWeights(gpu, memory.asCheckpoint(), { weights: 'native' })
    expect(native.quantization).toBeUndefined()
  })

  test('stop coming when the signal fires', async () => {
    const memory = new MemoryCheckpoint({ dim: 8, hiddenDim: 8, vocab: 5, dtype: 'f32' })
    const controller = new AbortController()
    let begun = 0
    const loading = loadWeights(gpu, memory.asCheckpoint(), {
      weights: 'native',
      signal: controller.signal,
      onProgress: (_, tensor) => {
        if (tensor !== 'layers.0.wk') return
        controller.abort(new Error('enough'))
        begun = memory.reads.length
      },
    })
    await expect(loading).rejects.toThrow(AbortError)
    // Some had been read ahead; nothing was begun afterwards.
    expect(memory.reads).toHaveLength(begun)
    expect(memory.reads.map(({ name }) => name)).not.toContain('output')
  })
})
