import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AbortError, ContextLengthError, MistralModel, ParameterError } from '../../src/index.ts'
import { disabledFeatures } from '../support/features.ts'
import { fixture, random, withModel } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'
import { greedy, promptOf as promptOfVocab, tokensOf } from './support.ts'

const { path, reference } = fixture('window-7')
const promptOf = (seed: number, length: number) => promptOfVocab(seed, length, reference.vocab)

let model: MistralModel
beforeAll(async () => {
  model = await MistralModel.load(path, { kvCache: 'f32', prefillChunk: 8, disableFeatures: disabledFeatures() })
}, patience(120_000))
afterAll(() => model?.dispose())

describe('generate', () => {
  test('gives the greedy ids, a finish reason, usage and timings', async () => {
    const steps = model.generate(reference.prompt, { ...greedy, max_tokens: 16 })
    const ids: number[] = []
    for await (const { tokenId, finishReason } of steps) {
      ids.push(tokenId)
      expect(finishReason).toBe(ids.length === 16 ? 'length' : null)
    }
    expect(ids).toEqual(reference.greedy)
    const { finishReason, usage, timings } = await steps.summary
    expect(finishReason).toBe('length')
    expect(usage).toMatchObject({ prompt_tokens: 40, completion_tokens: 16, total_tokens: 56 })
    expect(timings.prefillMs).toBeGreaterThan(0)
  })

  test('a stop id ends it with that id', async () => {
    const stop = reference.greedy[4]!
    const ids = await tokensOf(model.generate(reference.prompt, { ...greedy, stop_token_ids: [stop] }))
    expect(ids).toEqual(reference.greedy.slice(0, reference.greedy.indexOf(stop) + 1))
  })

  test('a seed repeats, another seed differs', async () => {
    const draw = (seed: number) =>
      tokensOf(model.generate(reference.prompt, { seed, max_tokens: 24, top_k: 0, top_p: 1 }))
    const [first, again, other] = [await draw(7), await draw(7), await draw(8)]
    expect(again).toEqual(first)
    expect(other).not.toEqual(first)
  })

  test('sampling follows the probabilities of the logits', { timeout: patience(120_000) }, async () => {
    const logits = (await model.logits(reference.prompt)).at(-1)!
    const max = Math.max(...logits)
    const weights = [...logits].map((value) => Math.exp(value - max))
    const total = weights.reduce((a, b) => a + b)
    const best = weights.indexOf(Math.max(...weights))
    let hits = 0
    for (let seed = 0; seed < 200; seed++) {
      const [id] = await tokensOf(model.generate(reference.prompt, { seed, max_tokens: 1, top_k: 0, top_p: 1 }))
      if (id === best) hits++
    }
    const p = weights[best]! / total
    expect(Math.abs(hits / 200 - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / 200))
  })

  test('ends with length when the context is full', async () => {
    await withModel(path, { contextLength: 20, slidingWindow: null }, async (small) => {
      const prompt = promptOf(1, 15)
      const ids = await tokensOf(small.generate(prompt, { ...greedy, max_tokens: 100 }))
      expect(ids.length).toBe(5)
      await expect(tokensOf(small.generate(promptOf(1, 20)))).rejects.toThrow(ContextLengthError)
      expect((await small.logits(promptOf(1, 20))).length).toBe(20)
      await expect(small.logits(promptOf(1, 21))).rejects.toThrow(ContextLengthError)
    })
  })
})

describe('bad requests', () => {
  const refused: [string, () => AsyncIterable<{ tokenId: number }>, string][] = [
    ['an empty prompt', () => model.generate([]), 'tokenIds'],
    ['an id beyond the vocabulary', () => model.generate([1, 59]), 'tokenIds[1]'],
    ['a negative id', () => model.generate([-1]), 'tokenIds[0]'],
    ['a fraction', () => model.generate([1.5]), 'tokenIds[0]'],
    ['temperature below zero', () => model.generate([1], { temperature: -1 }), 'temperature'],
    ['top_p above one', () => model.generate([1], { top_p: 1.5 }), 'top_p'],
    ['no ids', () => model.generate(undefined as never), 'tokenIds'],
    ['a text for ids', () => model.generate('abc' as never), 'tokenIds'],
    ['a stop text, which ids have none of', () => model.generate([1], { stop: 'a' }), 'stop'],
    ['an unknown name', () => model.generate([1], { tempratur: 1 } as object), 'tempratur'],
  ]
  for (const [what, make, parameter] of refused) {
    test(`${what} is refused by name`, async () => {
      const error = await tokensOf(make()).catch((e: unknown) => e)
      expect(error).toBeInstanceOf(ParameterError)
      expect((error as ParameterError).parameter).toBe(parameter)
    })
  }
})

test('options that do not exist or cannot work are refused by name', async () => {
  const loads: [object, string][] = [
    [{ weight: 'q4' }, 'weight'],
    [{ signal: 5 }, 'signal'],
    [{ onProgress: 5 }, 'onProgress'],
    [{ disableFeatures: 'shader-f16' }, 'disableFeatures'],
    [{ contextLength: '5' }, 'contextLength'],
    [{ maxSequences: 0 }, 'maxSequences'],
    [{ weights: 'q5' }, 'weights'],
  ]
  for (const [options, parameter] of loads) {
    const error = await MistralModel.load(path, options).catch((e: unknown) => e)
    expect(error, parameter).toBeInstanceOf(ParameterError)
    expect((error as ParameterError).parameter).toBe(parameter)
  }
  expect(() => model.generate([1], {}, { sginal: 1 } as object)).toThrow(/did you mean signal/)
  await expect(model.logits([1], { signal: {} } as object)).rejects.toThrow(ParameterError)
})

test('the prompt is copied: what happens to the array later changes nothing', async () => {
  const ids = [...reference.prompt]
  const got: number[] = []
  for await (const { tokenId } of model.generate(ids, { ...greedy, max_tokens: 16 })) {
    got.push(tokenId)
    ids.push(tokenId)
  }
  expect(got).toEqual(reference.greedy)
  const typed = await model.logits(Int32Array.from(reference.prompt))
  expect(typed.length).toBe(reference.prompt.length)
})

describe('stopping', () => {
  test('break frees the sequence', async () => {
    for (let i = 0; i < 5; i++) {
      for await (const step of model.generate(promptOf(i, 12), greedy)) {
        expect(step.tokenId).toBeGreaterThanOrEqual(0)
        break
      }
    }
    expect(await tokensOf(model.generate(reference.prompt, { ...greedy, max_tokens: 16 }))).toEqual(reference.greedy)
  })

  test('a signal that fired before throws AbortError', async () => {
    const signal = AbortSignal.abort()
    await expect(tokensOf(model.generate(reference.prompt, greedy, { signal }))).rejects.toThrow(AbortError)
    await expect(model.logits(reference.prompt, { signal })).rejects.toThrow(AbortError)
    await expect(MistralModel.load(path, { signal })).rejects.toThrow(AbortError)
  })

  test('aborting at any moment throws AbortError, leaks nothing, and the next request is right', {
    timeout: patience(120_000),
  }, async () => {
    const { counters } = model.loaded.gpu
    // Run each width once, so that what is made only once is there.
    await tokensOf(model.generate(promptOf(3, 21), { ...greedy, max_tokens: 2 }))
    const before = counters.buffersAlive
    const next = random(5)
    for (let i = 0; i < 30; i++) {
      const controller = new AbortController()
      const timer = setTimeout(() => controller.abort(new Error('enough')), next() * 40)
      const run = tokensOf(
        model.generate(promptOf(100 + i, 30), { ...greedy, max_tokens: 4000 }, { signal: controller.signal }),
      )
      const error = await run.catch((e: unknown) => e)
      clearTimeout(timer)
      expect(error).toBeInstanceOf(AbortError)
      expect((error as AbortError).name).toBe('AbortError')
    }
    expect(counters.buffersAlive).toBe(before)
    expect(await tokensOf(model.generate(reference.prompt, { ...greedy, max_tokens: 16 }))).toEqual(reference.greedy)
  })

  test('an opener that never answers does not hold an aborted load', async () => {
    const never = () => new Promise<never>(() => {})
    for (const open of [never, (name: string) => (name === 'config.json' ? { size: 9, read: never } : undefined)]) {
      await expect(MistralModel.load({ open }, { signal: AbortSignal.timeout(50) })).rejects.toThrow(AbortError)
    }
  })

  test('a load that is aborted on the way throws AbortError', { timeout: patience(120_000) }, async () => {
    for (const phase of ['open', 'weights', 'compile'] as const) {
      const controller = new AbortController()
      const load = MistralModel.load(path, {
        signal: controller.signal,
        onProgress: (progress) => progress.phase === phase && controller.abort(),
      })
      await expect(load, phase).rejects.toThrow(AbortError)
    }
  })
})

test('a disposed model says so', async () => {
  const gone = await MistralModel.load(path, { disableFeatures: disabledFeatures() })
  gone.dispose()
  gone.dispose()
  await expect(tokensOf(gone.generate([1]))).rejects.toThrow(/disposed/)
  await expect(gone.logits([1])).rejects.toThrow(/disposed/)
})
