/** What texts cost models, against transformers; windows, options, and errors that name them. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AbortError, MistralModel, ParameterError, type PerplexityProgress } from '../../src/index.ts'
import { disabledFeatures } from '../support/features.ts'
import { fixture, withModel } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'

interface Case {
  readonly model: string
  readonly method: 'strided' | 'llama.cpp'
  readonly window: number
  readonly stride?: number
  readonly counted: number
  /** Mean, nats per token. */
  readonly nll: number
  readonly error: number
  readonly ids?: readonly number[]
}

const read = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../fixtures/perplexity/${name}`, import.meta.url)), 'utf8')
const winds = read('winds.txt')
const { pocket, cases }: { pocket: { ids: number; first: number[]; bytes: number }; cases: readonly Case[] } =
  JSON.parse(read('reference.json'))

describe('the embedded model', () => {
  let model: MistralModel
  beforeAll(async () => {
    model = await MistralModel.load('pocket', { kvCache: 'f32', disableFeatures: disabledFeatures() })
  }, patience(120_000))
  afterAll(() => model?.dispose())

  for (const { method, window, stride, counted, nll, error } of cases.filter(({ ids }) => ids === undefined)) {
    test(`${method}, window ${window}: within 1e-3 of transformers`, { timeout: patience(240_000) }, async () => {
      const found = await model.perplexity(winds, { method, window, stride })
      expect(found.nll).toBeCloseTo(nll, 3)
      expect(Math.abs(found.nll - nll)).toBeLessThan(1e-3)
      expect(found.nllError).toBeCloseTo(error, 3)
      expect(found.perplexity).toBeCloseTo(Math.exp(found.nll), 10)
      expect(found.perplexityError / found.perplexity).toBeCloseTo(found.nllError, 10)
      expect(found).toMatchObject({
        method,
        window,
        stride: stride ?? window,
        tokens: pocket.ids,
        countedTokens: counted,
      })
      const bits = ((found.nll / Math.LN2) * (pocket.ids - 1)) / pocket.bytes
      expect(found.bitsPerByte).toBeCloseTo(bits, 10)
    })
  }

  test(
    'is read in windows of the context that overlap by half, unless said otherwise',
    async () => {
      const ids = model.tokenizer!.encode(winds, { bos: true })
      expect(ids.slice(0, 40)).toEqual(pocket.first)
      const seen: PerplexityProgress[] = []
      const found = await model.perplexity(ids.slice(0, 1100), { onProgress: (progress) => seen.push(progress) })
      expect(found).toMatchObject({ method: 'strided', window: 1024, stride: 512, windows: 2, countedTokens: 1099 })
      expect(found.bitsPerByte).toBeUndefined()
      expect(seen.at(-1)).toEqual({ windows: 2, total: 2, perplexity: found.perplexity })
      // Chunks of 256.
      expect(seen.length).toBe(4 + 3)
    },
    patience(120_000),
  )

  test(
    'brings back one number for each token',
    async () => {
      const { counters } = model.loaded.gpu
      const before = { ...counters }
      await model.perplexity(winds, { window: 512, stride: 512, method: 'strided' })
      // 3 windows of 1,479 tokens: two chunks each.
      expect(counters.readbacks - before.readbacks).toBe(6)
      expect(counters.buffersCreated - before.buffersCreated).toBe(0)
    },
    patience(120_000),
  )

  test.each([
    [{ window: 1 }, 'window'],
    [{ window: 1025 }, 'window'],
    [{ window: 10, stride: 11 }, 'stride'],
    [{ stride: 0 }, 'stride'],
    [{ method: 'llama.cpp', stride: 4 }, 'stride'],
    [{ method: 'exact' }, 'method'],
    [{ windows: 3 }, 'windows'],
  ])('refuses %j and names %s', async (options, parameter) => {
    const asked = model.perplexity('A wind blows.', options as object)
    await expect(asked).rejects.toThrow(ParameterError)
    await expect(asked).rejects.toMatchObject({ parameter })
  })

  test.each([
    ['', {}],
    [[5], {}],
    ['A wind.', { method: 'llama.cpp' }],
  ] as const)('says how many tokens %j with %j lacks', async (text, options) => {
    const asked = model.perplexity(text, options)
    await expect(asked).rejects.toMatchObject({ parameter: 'text', fact: expect.stringMatching(/at least are needed/) })
  })

  test('stops at a signal, and the model goes on', async () => {
    const controller = new AbortController()
    const options = { signal: controller.signal, onProgress: () => controller.abort() }
    await expect(model.perplexity(winds, options)).rejects.toThrow(AbortError)
    expect((await model.perplexity([1, 5, 9])).countedTokens).toBe(2)
  })
})

describe('random models', () => {
  for (const { model: name, window, stride, counted, nll, ids } of cases.filter(({ ids }) => ids !== undefined)) {
    test(`${name}: within 1e-3 of transformers, in chunks of any size`, { timeout: patience(120_000) }, async () => {
      const { path } = fixture(name)
      for (const prefillChunk of [256, 7]) {
        await withModel(path, { kvCache: 'f32', prefillChunk }, async (model) => {
          const found = await model.perplexity(ids!, { window, stride })
          expect(Math.abs(found.nll - nll)).toBeLessThan(1e-3)
          expect(found.countedTokens).toBe(counted)
          await expect(model.perplexity('text')).rejects.toMatchObject({ parameter: 'text' })
        })
      }
    })
  }

  test('with an adapter, what its logits say', { timeout: patience(240_000) }, async () => {
    await withModel(fixture('window-4').path, { kvCache: 'f32' }, async (model) => {
      const ids = Array.from({ length: 60 }, (_, i) => (i * i + 7) % model.config.vocabSize)
      for (const name of ['rslora', 'head']) {
        const path = fileURLToPath(new URL(`../fixtures/adapters/${name}`, import.meta.url))
        await model.loadAdapter(path)
        const logits = await model.logits(ids, { adapter: name })
        const costs = logits.slice(0, -1).map((row, i) => {
          const top = Math.max(...row)
          return top + Math.log(row.reduce((sum, value) => sum + Math.exp(value - top), 0)) - row[ids[i + 1]!]!
        })
        const nll = costs.reduce((a, b) => a + b) / costs.length
        const found = await model.perplexity(ids, { adapter: name })
        expect(Math.abs(found.nll - nll)).toBeLessThan(1e-4)
        expect(Math.abs((await model.perplexity(ids)).nll - nll)).toBeGreaterThan(1e-2)
      }
      await expect(model.perplexity(ids, { adapter: 'none' })).rejects.toMatchObject({ parameter: 'adapter' })
    })
  })

  test('the same number beside answers that are generated', { timeout: patience(120_000) }, async () => {
    const { path } = fixture('llama-linear')
    const { ids, nll, window, stride } = cases.find(({ model }) => model === 'llama-linear')!
    await withModel(path, { kvCache: 'f32', maxSequences: 2, prefillChunk: 16 }, async (model) => {
      const answer = model.generate([3, 4, 5], { do_sample: false, ignore_eos: true, max_tokens: 100 }).summary
      const found = await model.perplexity(ids!, { window, stride })
      expect(Math.abs(found.nll - nll)).toBeLessThan(1e-3)
      expect((await answer).usage.completion_tokens).toBe(100)
    })
  })
})
