/** What a model takes of the GPU's memory: no more than its file, whatever type its weights have. */
import { describe, expect, test } from 'vitest'
import { STORED_TYPES, type StoredDtype, storedBytes } from '../../src/formats/blocks.ts'
import { GGML_BLOCKS } from '../../src/formats/ggml-blocks.ts'
import { rowType } from '../../src/formats/grouped.ts'
import type { Grouping } from '../../src/formats/row-type.ts'
import { weightBytes } from '../../src/kernels/weight.ts'
import { nativeLayout } from '../../src/model/repack.ts'
import { fixture, withModel } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'

/** [rows, inputs] of matrices as kernels take them. */
const SHAPES: Record<string, readonly (readonly [number, number])[]> = {
  'Ministral 3 3B': [
    [6144, 3072],
    [3072, 4096],
    [18_432, 3072],
    [3072, 9216],
    [131_072, 3072],
  ],
  'Mistral 7B': [
    [6144, 4096],
    [4096, 4096],
    [28_672, 4096],
    [4096, 14_336],
    [32_768, 4096],
  ],
  TinyLlama: [
    [2560, 2048],
    [2048, 2048],
    [11_264, 2048],
    [2048, 5632],
    [32_000, 2048],
  ],
}
const TYPES = Object.keys({ ...STORED_TYPES, ...GGML_BLOCKS }) as StoredDtype[]

describe('weights of published sizes take at most 1.03 of their bytes in the file', () => {
  test.each(TYPES)('%s', async (type) => {
    const layout = await nativeLayout([type])
    for (const [model, shapes] of Object.entries(SHAPES)) {
      let [stored, gpu] = [0, 0]
      for (const [rows, cols] of shapes) {
        const { quants, scales } = weightBytes(layout, rows, cols)
        stored += rows * storedBytes(type, cols)
        gpu += quants + scales
      }
      expect(gpu / stored, model).toBeLessThanOrEqual(1.03)
    }
  })

  const plain = { columns: undefined, zero: 0 }
  const GROUPINGS: Record<string, (cols: number) => { grouping: Grouping; bytes: number }> = {
    'FP8 with one scale': (cols) => ({
      grouping: { ...plain, kind: 'f8_e4m3', group: cols, groups: 1, scale: 'bf16', hasZeros: false },
      bytes: cols,
    }),
    'FP8 in blocks of 128 × 128': (cols) => ({
      grouping: { ...plain, kind: 'f8_e4m3', group: 128, groups: cols / 128, scale: 'bf16', hasZeros: false },
      bytes: cols + (cols / 128 / 128) * 2,
    }),
    '4 bits in groups of 128 with zero points': (cols) => ({
      grouping: { ...plain, kind: 'int4', group: 128, groups: cols / 128, scale: 'f16', hasZeros: true },
      bytes: cols / 2 + (cols / 128) * 2.5,
    }),
    '8 bits in groups of 128': (cols) => ({
      grouping: { ...plain, kind: 'int8', group: 128, groups: cols / 128, scale: 'f16', hasZeros: false },
      bytes: cols + (cols / 128) * 2,
    }),
  }

  test.each(Object.entries(GROUPINGS))('%s', async (_, groupingOf) => {
    for (const [model, shapes] of Object.entries(SHAPES)) {
      let [stored, gpu] = [0, 0]
      for (const [rows, cols] of shapes) {
        const { grouping, bytes } = groupingOf(cols)
        const { quants, scales } = weightBytes(await nativeLayout([rowType(grouping, cols)]), rows, cols)
        stored += rows * bytes
        gpu += quants + scales
      }
      expect(gpu / stored, model).toBeLessThanOrEqual(1.03)
    }
  })
})

describe('status', () => {
  test('tells what is where, and what limits the context', { timeout: patience(120_000) }, async () => {
    const { path } = fixture('gguf-tied-q8_0')
    await withModel(`${path}/model.gguf`, { kvCache: 'f32', maxSequences: 3, contextLength: 100 }, async (model) => {
      const { memory, gpuBytes, ...status } = model.status()
      expect(status).toMatchObject({
        contextLength: 100,
        contextLimit: 'option',
        positions: 100,
        trainedPositions: 256,
      })
      expect(memory.total).toBe(gpuBytes)
      expect(memory.weights + memory.cache + memory.workspace + memory.adapters).toBe(memory.total)
      expect(Object.values(memory.weightsByType).reduce((a, b) => a + b)).toBe(memory.weights)
      expect(Object.keys(memory.weightsByType).sort()).toEqual(['f32', 'q8'])
      // One layer, one kv head of 16, keys and values.
      expect(memory.cachePerToken).toBe(2 * 16 * 4)
      expect(memory.cachePerSequence).toBe(100 * memory.cachePerToken)
      expect(memory).toMatchObject({ cache: 3 * memory.cachePerSequence, cacheType: 'f32', adapters: 0 })
      expect(memory.ratio).toBe(memory.weights / memory.tensors)
      expect(memory.ratio).toBeLessThanOrEqual(1.03)
    })
    await withModel(`${path}/model.gguf`, { kvCache: 'f16' }, async (model) => {
      expect(model.status()).toMatchObject({ contextLength: 256, contextLimit: 'model' })
      expect(model.status().memory).toMatchObject({ cacheType: 'f16', cachePerToken: 2 * 16 * 2 })
    })
  })
})
