/** Whole GGUF models of each block type, and of the mixes that people download, against the plain forward pass. */
import { expect, test } from 'vitest'
import { BLOCK_TYPES, type BlockName } from '../../src/formats/blocks.ts'
import { loadBlockTypes } from '../../src/formats/ggml-blocks.ts'
import { MistralModel } from '../../src/index.ts'
import { forward } from '../reference/forward.ts'
import { disabledFeatures } from '../support/features.ts'
import { maxDifference, random } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'
import { SUPER_BLOCK_CONFIG as CONFIG, randomGguf, type TypeOf } from '../support/random-gguf.ts'

const FEW_MORE_BITS = new Set(['wv', 'w2'])
/** llama.cpp's mixes: more bits for the output, and for `wv` and `w2` of some layers. */
const MIXES: Record<string, TypeOf> = {
  Q4_K_M: (name, layer) => (name === 'output' || (layer === 0 && FEW_MORE_BITS.has(name)) ? 'q6_k' : 'q4_k'),
  Q5_K_M: (name, layer) => (name === 'output' || (layer === 0 && FEW_MORE_BITS.has(name)) ? 'q6_k' : 'q5_k'),
  Q3_K_M: (name) => (name === 'output' ? 'q6_k' : name === 'wv' ? 'q5_k' : name === 'w2' ? 'q4_k' : 'q3_k'),
  'Q2_K with other types in one layer': (name) => (name === 'wk' ? 'q3_k' : name === 'wv' ? 'q4_k' : 'q2_k'),
  'all other types': (name) => OTHERS[name],
  'IQ1, IQ2 and IQ3': (name) => GRIDS[name],
  'types of few bits': (name) => FEW_BITS[name],
}
const GRIDS: Record<Parameters<TypeOf>[0], BlockName> = {
  tokEmbeddings: 'iq3_s',
  attentionNorm: 'iq3_s',
  wq: 'iq2_xxs',
  wk: 'iq2_xs',
  wv: 'iq3_s',
  wo: 'iq2_s',
  ffnNorm: 'iq3_s',
  w1: 'iq3_xxs',
  w3: 'iq3_xxs',
  w2: 'iq1_m',
  output: 'iq3_xxs',
}
const FEW_BITS: Record<Parameters<TypeOf>[0], BlockName> = {
  tokEmbeddings: 'iq1_m',
  attentionNorm: 'nvfp4',
  wq: 'nvfp4',
  wk: 'q1_0',
  wv: 'tq1_0',
  wo: 'iq1_s',
  ffnNorm: 'nvfp4',
  w1: 'nvfp4',
  w3: 'nvfp4',
  w2: 'tq1_0',
  output: 'iq2_xxs',
}
const OTHERS: Record<Parameters<TypeOf>[0], BlockName> = {
  tokEmbeddings: 'iq4_xs',
  attentionNorm: 'q4_1',
  wq: 'q5_0',
  wk: 'iq4_nl',
  wv: 'mxfp4',
  wo: 'q5_1',
  ffnNorm: 'q4_1',
  w1: 'q4_1',
  w3: 'q4_1',
  w2: 'tq2_0',
  output: 'iq4_xs',
}

test('every type is in one of the models', () => {
  const names = Object.keys(OTHERS) as (keyof typeof OTHERS)[]
  const used = Object.values(MIXES).flatMap((typeOf) => names.flatMap((name) => [typeOf(name, 0), typeOf(name, 1)]))
  expect(new Set(used)).toEqual(new Set(Object.keys(BLOCK_TYPES)))
})

await loadBlockTypes(Object.keys(BLOCK_TYPES) as BlockName[])

const MODELS = Object.entries(MIXES)

test.each(MODELS)(
  '%s: logits within 2e-3, and no more bytes than the file',
  { timeout: patience(300_000) },
  async (_, typeOf) => {
    const { file, model: plain, bytes } = randomGguf(CONFIG, typeOf)
    const next = random(9)
    const tokens = Array.from({ length: 21 }, () => Math.floor(next() * CONFIG.vocabSize))
    const expected = forward(plain, tokens).flatMap((row) => [...row])
    const options = { kvCache: 'f32', prefillChunk: 16, disableFeatures: disabledFeatures() } as const
    const model = await MistralModel.load(new File([file as Uint8Array<ArrayBuffer>], 'model.gguf'), options)
    try {
      const logits = (await model.logits(tokens)).flatMap((row) => [...row])
      expect(maxDifference(logits, expected)).toBeLessThan(2e-3)
      const { tensors, ratio } = model.status().memory
      expect(tensors).toBe(bytes)
      // Rows of one super-block leave half a word over; those of real models do not.
      expect(ratio).toBeLessThan(1.04)
    } finally {
      model.dispose()
    }
  },
)
