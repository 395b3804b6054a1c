import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AbortError, ContextLengthError, MistralModel, ParameterError } from '../../src/index.ts'
import { disabledFeatures } from '../support/features.ts'
import { fixture, maxDifference, random, withModel } from '../support/fixtures.ts'

const { path, reference } = fixture('window-7')
const greedy = { do_sample: false, ignore_eos: true }
const tokensOf = async (steps: AsyncIterable<{ tokenId: number }>) => {
  const ids: number[] = []
  for await (const { tokenId } of steps) ids.push(tokenId)
  return ids
}
const nextId = async (steps: AsyncIterator<{ tokenId: number }, unknown>) => {
  const next = await steps.next()
  if (next.done) throw new Error('the generation ended early')
  return next.value.tokenId
}
/** A prompt of its own for each seed. */
const promptOf = (seed: number, length: number) => {
  const next = random(seed)
  return Array.from({ length }, () => 3 + Math.floor(next() * (reference.vocab - 3)))
}

let model: MistralModel
beforeAll(async () => {
  model = await MistralModel.load(path, { kvCache: 'f32', prefillChunk: 8, disableFeatures: disabledFeatures() })
}, 120_000)
afterAll(() => model?.dispose())

describe('generate', () => {
  test('gives the greedy ids, a finish reason, usage and timings', async () => {
    const steps = model.generate(reference.prompt, { ...greedy, max_tokens: 16 })
    const ids: number[] = []
    let next = await steps.next()
    for (; !next.done; next = await steps.next()) {
      ids.push(next.value.tokenId)
      expect(next.value.finish_reason).toBe(ids.length === 16 ? 'length' : null)
    }
    expect(ids).toEqual(reference.greedy)
    expect(next.value.usage).toMatchObject({ prompt_tokens: 40, completion_tokens: 16, total_tokens: 56 })
    expect(next.value.timings.prefillMs).toBeGreaterThan(0)
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

  test('sampling follows the probabilities of the logits', { timeout: 120_000 }, async () => {
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
    timeout: 120_000,
  }, async () => {
    const { counters } = model.engine.gpu
    // Run each width once, so that what is made only once is there.
    await tokensOf(model.generate(promptOf(3, 21), { ...greedy, max_tokens: 2 }))
    const before = counters.buffersAlive
    const next = random(5)
    for (let i = 0; i < 30; i++) {
      const controller = new AbortController()
      const timer = setTimeout(() => controller.abort(new Error('enough')), next() * 40)
      const run = tokensOf(
        model.generate(promptOf(100 + i, 30), { ...greedy, max_tokens: 400 }, { signal: controller.signal }),
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

  test('a load that is aborted on the way throws AbortError', { timeout: 120_000 }, async () => {
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

describe('several sequences', () => {
  const prompts = [promptOf(11, 9), promptOf(12, 33), promptOf(13, 17)]
  let alone: number[][]
  beforeAll(async () => {
    alone = []
    for (const prompt of prompts) alone.push(await tokensOf(model.generate(prompt, { ...greedy, max_tokens: 20 })))
  })

  test('run side by side as each runs alone', { timeout: 120_000 }, async () => {
    await withModel(path, { kvCache: 'f32', maxSequences: 3 }, async (many) => {
      const runs = prompts.map((prompt) => many.generate(prompt, { ...greedy, max_tokens: 20 }))
      const ids: number[][] = prompts.map(() => [])
      for (let step = 0; step < 20; step++) {
        for (const [i, run] of runs.entries()) ids[i]!.push(await nextId(run))
      }
      expect(ids).toEqual(alone)
      const together = await Promise.all(prompts.map((p) => tokensOf(many.generate(p, { ...greedy, max_tokens: 20 }))))
      expect(together).toEqual(alone)
    })
  })

  test('rows of several sequences in one batch give what each gives alone', { timeout: 120_000 }, async () => {
    await withModel(path, { kvCache: 'f32', maxSequences: 3 }, async (many) => {
      const expected = await Promise.all(prompts.map(async (prompt) => (await model.logits(prompt)).at(-1)!))
      // The last row of each sequence together with the whole prompt of another: every mixture goes in one batch.
      const { runner } = many.engine
      const rowsOf = (sequence: number, from: number, to: number) =>
        prompts[sequence]!.slice(from, to).map((_, i) => ({
          sequence,
          position: from + i,
          picked: from + i === prompts[sequence]!.length - 1,
        }))
      for (const [sequence, prompt] of prompts.entries()) runner.writeTokens(sequence, 0, prompt)
      await (await runner.logits([...rowsOf(1, 0, 32), ...rowsOf(2, 0, 16)])).result
      const { result } = await runner.logits([...rowsOf(2, 16, 17), ...rowsOf(0, 0, 9), ...rowsOf(1, 32, 33)])
      const logits = await result
      for (const [i, sequence] of [2, 0, 1].entries()) {
        expect(maxDifference(logits[i]!, expected[sequence]!)).toBeLessThan(1e-4)
      }
    })
  })

  test('with one sequence, interleaved generations take turns and stay right', async () => {
    const runs = prompts.slice(0, 2).map((prompt) => model.generate(prompt, { ...greedy, max_tokens: 3 }))
    const ids: number[][] = [[], []]
    for (let step = 0; step < 3; step++) {
      for (const [i, run] of runs.entries()) ids[i]!.push(await nextId(run))
    }
    expect(ids).toEqual(alone.slice(0, 2).map((all) => all.slice(0, 3)))
    for (const run of runs) await run.return(undefined as never)
  })

  test('with one sequence, concurrent generations queue', async () => {
    const together = await Promise.all(prompts.map((p) => tokensOf(model.generate(p, { ...greedy, max_tokens: 20 }))))
    expect(together).toEqual(alone)
  })
})

describe('prefix reuse', () => {
  test('a prompt that goes on from the last one computes only the rest', async () => {
    const prompt = promptOf(21, 20)
    const first = await tokensOf(model.generate(prompt, { ...greedy, max_tokens: 6 }))
    const longer = [...prompt, ...first, ...promptOf(22, 5)]
    const usageOf = async (ids: number[]) => {
      const steps = model.generate(ids, { ...greedy, max_tokens: 8 })
      const out: number[] = []
      for (let next = await steps.next(); ; next = await steps.next()) {
        if (next.done) return { out, cached: next.value.usage.cached_tokens }
        out.push(next.value.tokenId)
      }
    }
    const reused = await usageOf(longer)
    // The last generated token was never put through the model.
    expect(reused.cached).toBe(25)
    await tokensOf(model.generate(promptOf(23, 12), { ...greedy, max_tokens: 1 }))
    const fresh = await usageOf(longer)
    expect(fresh.cached).toBe(0)
    expect(reused.out).toEqual(fresh.out)
  })

  test('a ring that has gone past the prefix is not reused', async () => {
    const prompt = promptOf(31, 10)
    const [expected] = await tokensOf(model.generate([...prompt, 5], { ...greedy, max_tokens: 1 }))
    // The ring holds window + chunk = 15 slots: forty tokens later the keys before position 10 are gone.
    await tokensOf(model.generate(prompt, { ...greedy, max_tokens: 40 }))
    const [again] = await tokensOf(model.generate([...prompt, 5], { ...greedy, max_tokens: 1 }))
    expect(again).toBe(expected)
  })
})

test('keys that a longer sequence overwrote stay lost when the sequence is cut back twice', async () => {
  // A ring of 15, a window of 7: after 43 positions the keys before 28 are gone, also once b has cut the slot back to 34
  // and written on to 39. c goes on from 31 and sees 25.
  const a = promptOf(41, 40)
  const b = [...a.slice(0, 34), ...promptOf(42, 2)]
  const c = [...a.slice(0, 31), ...promptOf(43, 2)]
  const idsAfter = async (prompt: number[], on: MistralModel) => {
    const sequence = on.generate(prompt, { ...greedy, max_tokens: 4 })
    return [await nextId(sequence), await nextId(sequence), await nextId(sequence), await nextId(sequence)]
  }
  const expected = await withModel(path, { kvCache: 'f32' }, (fresh) => idsAfter(c, fresh))
  await idsAfter(a, model)
  await idsAfter(b, model)
  expect(await idsAfter(c, model)).toEqual(expected)
})

test('those who wait for a sequence get it in the order they came', async () => {
  const order: number[] = []
  const runs = [0, 1, 2, 3].map(async (i) => {
    await new Promise((resolve) => setTimeout(resolve, 10 * i))
    await tokensOf(model.generate(promptOf(50 + i, 10), { ...greedy, max_tokens: 40 }))
    order.push(i)
  })
  await Promise.all(runs)
  expect(order).toEqual([0, 1, 2, 3])
})

test('a disposed model says so', async () => {
  const gone = await MistralModel.load(path, { disableFeatures: disabledFeatures() })
  gone.dispose()
  gone.dispose()
  await expect(tokensOf(gone.generate([1]))).rejects.toThrow(/disposed/)
  await expect(gone.logits([1])).rejects.toThrow(/disposed/)
})
