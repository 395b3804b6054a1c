/** Plans say, byte for byte, what loading then allocates. */
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { BLOCK_TYPES, type BlockName } from '../../src/formats/blocks.ts'
import { loadBlockTypes } from '../../src/formats/ggml-blocks.ts'
import { canRun, type LoadOptions, type ModelSource, plan } from '../../src/index.ts'
import { disabledFeatures } from '../support/features.ts'
import { withModel } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'
import { randomGguf, SUPER_BLOCK_CONFIG } from '../support/random-gguf.ts'

const folder = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))

await loadBlockTypes(Object.keys(BLOCK_TYPES) as BlockName[])

/** Grids are shared by types: they count once. */
const grids = randomGguf(SUPER_BLOCK_CONFIG, (name) => {
  const types: Record<string, BlockName> = { wq: 'iq2_xxs', wk: 'iq2_xs', wv: 'iq3_s', wo: 'iq2_s', w2: 'iq1_m' }
  return types[name] ?? 'iq3_xxs'
}).file

/** Layouts, fusions, ties, windows, caches and sequences that differ in what they take. */
const CASES: readonly [name: string, source: ModelSource, options?: LoadOptions][] = [
  ['bf16 in shards', folder('checkpoints/sharded-bf16')],
  ['keys and values of 8 bits', folder('checkpoints/sharded-bf16'), { kvCache: 'q8', maxSequences: 3 }],
  ['tied embeddings', folder('checkpoints/tied-f16'), { kvCache: 'f16', maxSequences: 5 }],
  ['tied by the config, with a head that is the same', folder('checkpoints/tied-head')],
  ['tied by the config, with a head of its own', folder('checkpoints/tied-two'), { contextLength: 33 }],
  ['biases', folder('checkpoints/llama-bias'), { weights: 'q8', kvCache: 'f32' }],
  ['windows in every layer', folder('checkpoints/window-4'), { maxSequences: 2, prefillChunk: 8 }],
  ['windows in some layers', folder('checkpoints/layer-types'), { kvCache: 'f32', maxSequences: 3 }],
  ['less context than the window', folder('checkpoints/window-7'), { contextLength: 5 }],
  ['no window where the file has one', folder('checkpoints/window-7'), { slidingWindow: null }],
  ['a GGUF rounded to 4 bits', `${folder('checkpoints/gguf-f16')}/model.gguf`, { weights: 'q4' }],
  ['a GGUF of mixed types', `${folder('checkpoints/gguf-mixed')}/model.gguf`, { prefillChunk: 700 }],
  ['a tied GGUF of 8 bits', `${folder('checkpoints/gguf-tied-q8_0')}/model.gguf`, { kvCache: 'f16' }],
  ['types with grids', new File([grids as Uint8Array<ArrayBuffer>], 'model.gguf')],
  ['GPTQ with columns in another order', folder('quantized/gptq-act-order')],
  ['AWQ', folder('quantized/awq'), { maxSequences: 64 }],
  ['FP8 in blocks', folder('quantized/fp8-block')],
  ['packed, with a wrapper', folder('quantized/wrapped-packed-4')],
]

describe('a plan says what loading allocates', () => {
  test.each(CASES)('%s', { timeout: patience(120_000) }, async (_, source: ModelSource, options: LoadOptions = {}) => {
    const given = { disableFeatures: disabledFeatures(), ...options }
    const planned = await plan(source, given)
    await withModel(source, given, async (model) => {
      const { memory, contextLength, contextLimit, trainedPositions, maxSequences, gpuBytes } = model.status()
      expect(planned.memory).toEqual(memory)
      expect(planned.memory.total).toBe(gpuBytes)
      expect(planned).toMatchObject({ fits: true, problems: [], alternatives: [], trainedPositions, maxSequences })
      expect(planned).toMatchObject({ contextLength, contextLimit, weights: options.weights ?? 'native' })
    })
    expect(await canRun(source, given)).toBe(true)
  })
})
