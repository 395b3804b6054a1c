/** What a request gives depends on itself alone: not on steps per readback, other requests, guesses, or the cache. */
import { describe, expect, test, vi } from 'vitest'
import type { Pace } from '../../src/generate/pace.ts'
import { type MistralModel, QueueFullError, type SamplingInput } from '../../src/index.ts'
import { fixture, random, withModel } from '../support/fixtures.ts'
import { patience, SOON } from '../support/patience.ts'
import { greedy, promptOf, runAll, tokensOf } from './support.ts'

const { path, reference } = fixture('window-7')
const vocab = reference.vocab
const prompt = (seed: number, length: number) => promptOf(seed, length, vocab)

/** Requests of every kind. */
const REQUESTS: readonly SamplingInput[] = [
  { ...greedy, max_tokens: 24 },
  { seed: 5, max_tokens: 31, top_k: 0, top_p: 1, ignore_eos: true },
  { seed: 6, max_tokens: 17, temperature: 1.7, repetition_penalty: 1.3, ignore_eos: true },
  { ...greedy, max_tokens: 20, no_repeat_ngram_size: 2 },
  { seed: 7n, max_tokens: 25, min_p: 0.05, frequency_penalty: 0.5, presence_penalty: 0.4, ignore_eos: true },
  { seed: 8, max_tokens: 9, typical_p: 0.8, logit_bias: { 7: 5, 9: -100 }, ignore_eos: true },
]
const prompts = REQUESTS.map((_, i) => prompt(60 + i, 5 + 7 * i))

async function oneByOne(model: MistralModel): Promise<number[][]> {
  const all: number[][] = []
  for (const [i, params] of REQUESTS.entries()) all.push(await tokensOf(model.generate(prompts[i]!, params)))
  return all
}

const together = (model: MistralModel) =>
  Promise.all(REQUESTS.map((params, i) => tokensOf(model.generate(prompts[i]!, params))))

const load = { kvCache: 'f32', prefillChunk: 8 } as const

describe('the same ids', { timeout: patience(300_000) }, () => {
  test('at 1, 4 and 16 steps per readback, alone and side by side', async () => {
    const alone = await withModel(path, { ...load, stepsPerReadback: 1 }, oneByOne)
    for (const [i, ids] of alone.entries()) expect(ids.length).toBe(REQUESTS[i]!.max_tokens)
    for (const stepsPerReadback of [4, 16]) {
      expect(await withModel(path, { ...load, stepsPerReadback }, oneByOne)).toEqual(alone)
    }
    for (const stepsPerReadback of [1, 7]) {
      await withModel(path, { ...load, stepsPerReadback, maxSequences: 6 }, async (model) => {
        expect(await together(model)).toEqual(alone)
        expect(model.status()).toMatchObject({ running: 0, waiting: 0 })
      })
    }
    // Fewer sequences than requests, and more than one batch has rows.
    await withModel(path, { ...load, maxSequences: 4 }, async (model) => {
      const twice = await Promise.all([together(model), together(model)])
      expect(twice).toEqual([alone, alone])
    })
  })

  test('with guesses from the prompt, and fewer passes where it repeats', async () => {
    await withModel(path, load, async (model) => {
      // Wide batches cost as much as others, whatever this machine takes for them.
      const { pace } = model.scheduler as unknown as { pace: Pace }
      Object.assign(pace, { stepCost: () => 1, aloneCost: () => 1 })
      const sampled = { seed: 3, max_tokens: 40, ignore_eos: true, temperature: 0.7 }
      for (const params of [{ ...greedy, max_tokens: 60 }, sampled]) {
        const plain = await tokensOf(model.generate(reference.prompt, params))
        for (const prompt_lookup_num_tokens of [1, 4, 16]) {
          const guessed = await tokensOf(model.generate(reference.prompt, { ...params, prompt_lookup_num_tokens }))
          expect(guessed).toEqual(plain)
        }
      }
      // An answer that is made to repeat itself: most guesses are right.
      const loop = { ...greedy, max_tokens: 60, logit_bias: { 5: 100 } }
      const before = model.loaded.gpu.counters.submits
      expect(await tokensOf(model.generate([5, 5, 5, 5], { ...loop, prompt_lookup_num_tokens: 8 }))).toEqual(
        Array.from({ length: 60 }, () => 5),
      )
      expect(model.loaded.gpu.counters.submits - before).toBeLessThan(20)
    })
  })

  test('without the cache', async () => {
    await withModel(path, load, async (model) => {
      for (const params of [REQUESTS[0]!, REQUESTS[2]!]) {
        const cached = await tokensOf(model.generate(reference.prompt, params))
        const before = model.loaded.gpu.counters.dispatches
        const { ids, summary } = await runAll(model, reference.prompt, { ...params, use_cache: false })
        expect(ids).toEqual(cached)
        expect(summary.usage.cached_tokens).toBe(0)
        // 40 tokens in chunks of 8, again for every token.
        expect(model.loaded.gpu.counters.dispatches - before).toBeGreaterThan(ids.length * 5 * 10)
      }
    })
  })

  test('when a slow reader loses its sequence to others and comes back', async () => {
    await withModel(path, load, async (model) => {
      const params = { ...greedy, max_tokens: 150 }
      const expected = await tokensOf(model.generate(prompts[1]!, params))
      const slow = model.generate(prompts[1]!, params)
      const ids = [(await slow.next()).value as { tokenId: number }].map((step) => step.tokenId)
      // It may run ahead by its backlog only; then it idles, and the one sequence goes to the next request.
      const other = await tokensOf(model.generate(prompts[2]!, { ...greedy, max_tokens: 12 }))
      expect(other.length).toBe(12)
      ids.push(...(await tokensOf(slow)))
      expect(ids).toEqual(expected)
    })
  })
})

describe('the conversation cache', { timeout: patience(300_000) }, () => {
  const short = { ...greedy, max_tokens: 3 }

  test('keeps as many conversations as there are sequences, the least recently used goes first', async () => {
    await withModel(path, { ...load, maxSequences: 2, slidingWindow: null }, async (model) => {
      const cached = async (ids: number[]) => (await runAll(model, ids, short)).summary.usage.cached_tokens
      const [a, b, c] = [prompt(1, 30), prompt(2, 30), prompt(3, 30)]
      expect(await cached(a)).toBe(0)
      expect(await cached(b)).toBe(0)
      expect(await cached([...a, 4, 5])).toBeGreaterThanOrEqual(30)
      // b is the older one now.
      expect(await cached(c)).toBe(0)
      expect(await cached([...a, 6, 7])).toBeGreaterThanOrEqual(30)
      expect(await cached([...b, 4, 5])).toBe(0)
    })
  })

  test('computes a beginning that requests share once, also when they come together', async () => {
    for (const slidingWindow of [null, 7]) {
      await withModel(path, { ...load, maxSequences: 4, slidingWindow }, async (model) => {
        const system = prompt(9, 50)
        const asks = [1, 2, 3, 4].map((i) => [...system, ...prompt(20 + i, 5)])
        const alone: number[][] = []
        await withModel(path, { ...load, slidingWindow }, async (other) => {
          for (const ids of asks) {
            alone.push((await runAll(other, ids, { ...short, max_tokens: 12 })).ids)
            await runAll(other, prompt(99, 20), short)
          }
        })
        const runs = await Promise.all(asks.map((ids) => runAll(model, ids, { ...short, max_tokens: 12 })))
        expect(runs.map((run) => run.ids)).toEqual(alone)
        const status = model.status()
        expect(status.promptTokens).toBe(4 * 55)
        // With a window, what the ring has overwritten cannot be copied any more.
        if (slidingWindow === null) expect(status.cachedTokens).toBe(3 * 50)
        else expect(status.cachedTokens).toBeGreaterThan(0)
      })
    }
  })
})

describe('beyond the context', { timeout: patience(300_000) }, () => {
  test('a model whose layers all have a window goes on, and gives what a larger context gives', async () => {
    const params = { ...greedy, max_tokens: 80 }
    const expected = await withModel(path, load, (model) => tokensOf(model.generate(reference.prompt, params)))
    await withModel(path, { ...load, contextLength: 48 }, async (model) => {
      const { ids, summary } = await runAll(model, reference.prompt, params)
      expect(ids).toEqual(expected)
      expect(summary.finishReason).toBe('length')
    })
  })
})

describe('the queue', { timeout: patience(120_000) }, () => {
  test('takes as many as it may, and says so beyond', async () => {
    await withModel(path, { ...load, maxQueue: 1 }, async (model) => {
      const runs = [1, 2].map((i) => tokensOf(model.generate(prompt(i, 9), { ...greedy, max_tokens: 30 })))
      await new Promise((resolve) => setTimeout(resolve, 0))
      const error = await tokensOf(model.generate(prompt(3, 9), greedy)).catch((e: unknown) => e)
      expect(error).toBeInstanceOf(QueueFullError)
      expect((error as QueueFullError).limit).toBe(1)
      expect((await Promise.all(runs)).map((ids) => ids.length)).toEqual([30, 30])
      expect((await tokensOf(model.generate(prompt(3, 9), { ...greedy, max_tokens: 5 }))).length).toBe(5)
    })
  })

  test('lets go of those who leave while they wait', async () => {
    await withModel(path, load, async (model) => {
      const controller = new AbortController()
      const first = tokensOf(model.generate(prompt(1, 9), { ...greedy, max_tokens: 60 }))
      const waiting = tokensOf(model.generate(prompt(2, 9), greedy, { signal: controller.signal }))
      await vi.waitFor(() => expect(model.status()).toMatchObject({ running: 1, waiting: 1 }), { ...SOON, interval: 1 })
      controller.abort()
      await expect(waiting).rejects.toThrow()
      expect(model.status().waiting).toBe(0)
      expect((await first).length).toBe(60)
    })
  })
})

test('logprobs are those of the raw logits, for every token of an answer', { timeout: patience(120_000) }, async () => {
  await withModel(path, load, async (model) => {
    const params = { seed: 4, max_tokens: 12, ignore_eos: true, temperature: 1.5, repetition_penalty: 1.4 }
    const steps: { tokenId: number; logprobs: unknown }[] = []
    for await (const step of model.generate(reference.prompt, { ...params, logprobs: true, top_logprobs: 5 })) {
      steps.push(step)
    }
    const ids = steps.map((step) => step.tokenId)
    expect(ids).toEqual(await tokensOf(model.generate(reference.prompt, params)))
    const rows = (await model.logits([...reference.prompt, ...ids])).slice(reference.prompt.length - 1)
    for (const [i, { tokenId, logprobs }] of steps.entries()) {
      const row = rows[i]!
      const max = Math.max(...row)
      const log = Math.log(row.reduce((sum, value) => sum + Math.exp(value - max), 0)) + max
      const best = [...row.keys()].sort((a, b) => row[b]! - row[a]! || a - b).slice(0, 5)
      expect(logprobs).toEqual({
        tokenId,
        logprob: expect.closeTo(row[tokenId]! - log, 3),
        top: best.map((id) => ({ tokenId: id, logprob: expect.closeTo(row[id]! - log, 3) })),
      })
    }
  })
})

test('200 aborts at random moments leave no buffer and no sequence behind', {
  timeout: patience(300_000),
}, async () => {
  await withModel(path, { ...load, maxSequences: 3, stepsPerReadback: 4 }, async (model) => {
    const expected = await tokensOf(model.generate(reference.prompt, { ...greedy, max_tokens: 16 }))
    await Promise.all([1, 2, 3].map((i) => tokensOf(model.generate(prompt(i, 21), { ...greedy, max_tokens: 9 }))))
    const before = model.loaded.gpu.counters.buffersAlive
    const next = random(5)
    for (let i = 0; i < 200; i += 4) {
      const runs = [0, 1, 2, 3].map(async (j) => {
        const controller = new AbortController()
        setTimeout(() => controller.abort(), next() * 60)
        const steps = model.generate(
          prompt(100 + i + j, 30),
          { ...greedy, max_tokens: 4000 },
          { signal: controller.signal },
        )
        await expect(tokensOf(steps)).rejects.toThrow('abort')
      })
      await Promise.all(runs)
    }
    expect(model.status()).toMatchObject({ running: 0, waiting: 0 })
    expect(await tokensOf(model.generate(reference.prompt, { ...greedy, max_tokens: 16 }))).toEqual(expected)
    expect(model.loaded.gpu.counters.buffersAlive).toBe(before)
  })
})

test('max_length counts the prompt', { timeout: patience(120_000) }, async () => {
  await withModel(path, load, async (model) => {
    expect((await tokensOf(model.generate(prompt(1, 10), { ...greedy, max_length: 25 }))).length).toBe(15)
    const both = { ...greedy, max_length: 25, max_new_tokens: 4 }
    expect((await tokensOf(model.generate(prompt(1, 10), both))).length).toBe(4)
    await expect(tokensOf(model.generate(prompt(1, 10), { max_length: 10 }))).rejects.toThrow(/max_length.*above/)
  })
})
