/** What goes wrong for one request stays with it, and leaves nothing false behind. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AbortError, MistralModel, ParameterError, QueueFullError } from '../../src/index.ts'
import { disabledFeatures } from '../support/features.ts'
import { fixture, withModel } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'
import { greedy, promptOf, runAll, tokensOf } from './support.ts'

const { path, reference } = fixture('window-7')
const prompt = (seed: number, length: number) => promptOf(seed, length, reference.vocab)
const load = { kvCache: 'f32', prefillChunk: 8 } as const

let model: MistralModel
let expected: number[]
const long = { ...greedy, max_tokens: 60 }
beforeAll(async () => {
  const options = { ...load, maxSequences: 2, stepsPerReadback: 8, disableFeatures: disabledFeatures() }
  model = await MistralModel.load(path, options)
  expected = await tokensOf(model.generate(prompt(1, 12), long))
}, patience(240_000))
afterAll(() => model?.dispose())

describe('stopWhen', { timeout: patience(120_000) }, () => {
  test('may abort its own request: it is not asked again, and others are not touched', async () => {
    const controller = new AbortController()
    let calls = 0
    const stopWhen = () => {
      if (++calls === 3) controller.abort()
      return false
    }
    const own = tokensOf(model.generate(prompt(2, 12), long, { stopWhen, signal: controller.signal }))
    const other = tokensOf(model.generate(prompt(1, 12), long))
    await expect(own).rejects.toThrow(AbortError)
    expect(await other).toEqual(expected)
    expect(calls).toBe(3)
    expect(model.status()).toMatchObject({ running: 0, waiting: 0 })
  })

  test('that throws, or answers with a promise, fails its own request', async () => {
    const run = (stopWhen: () => boolean) => tokensOf(model.generate(prompt(2, 12), long, { stopWhen }))
    const thrown = run(() => {
      throw new RangeError('mine')
    })
    await expect(thrown).rejects.toThrow('mine')
    await expect(run((async () => true) as never)).rejects.toThrow(ParameterError)
    const nothing = run(() => {
      throw undefined
    })
    await expect(nothing).rejects.toThrow('stopWhen threw undefined')
    expect(await tokensOf(model.generate(prompt(1, 12), long))).toEqual(expected)
  })
})

test('a batch that could not be submitted is not taken for computed', { timeout: patience(120_000) }, async () => {
  const { runner } = model.loaded
  const sample = runner.sample.bind(runner)
  // The second chunk that is of one request alone fails: part of its prompt was computed, part of it was not.
  let chunks = 0
  runner.sample = (batch) => {
    const whole = batch.rows.length === 8 && batch.rows.every(({ sequence }) => sequence === batch.rows[0]!.sequence)
    return whole && ++chunks === 2 ? Promise.reject(new Error('out of luck')) : sample(batch)
  }
  const fresh = prompt(5, 30)
  try {
    const innocent = tokensOf(model.generate(prompt(1, 12), long))
    await expect(tokensOf(model.generate(fresh, long))).rejects.toThrow('out of luck')
    expect(await innocent.catch((error: Error) => error.message)).toEqual(expected)
  } finally {
    Reflect.deleteProperty(runner, 'sample')
  }
  const after = await tokensOf(model.generate(fresh, long))
  expect(after).toEqual(await withModel(path, load, (other) => tokensOf(other.generate(fresh, long))))
})

test('nor one whose request was stopped before it failed', { timeout: patience(120_000) }, async () => {
  const { runner } = model.loaded
  const sample = runner.sample.bind(runner)
  const fresh = prompt(6, 30)
  const leave = new AbortController()
  let chunks = 0
  runner.sample = async (batch) => {
    if (batch.rows.length !== 8 || ++chunks < 2) return sample(batch)
    leave.abort()
    // What waits for the signal has stopped the request by then.
    await new Promise((resolve) => setTimeout(resolve, 50))
    throw new Error('out of luck')
  }
  try {
    await expect(tokensOf(model.generate(fresh, long, { signal: leave.signal }))).rejects.toThrow(AbortError)
    // The failure itself comes later than the abort.
    await new Promise((resolve) => setTimeout(resolve, 100))
  } finally {
    Reflect.deleteProperty(runner, 'sample')
  }
  const { ids: after, summary } = await runAll(model, fresh, long)
  expect(summary.usage.cached_tokens).toBe(0)
  expect(after).toEqual(await withModel(path, load, (other) => tokensOf(other.generate(fresh, long))))
})

describe('maxQueue', { timeout: patience(120_000) }, () => {
  test('0 lets in as many as there are sequences, also in one moment, and no more', async () => {
    await withModel(path, { ...load, maxSequences: 3, maxQueue: 0 }, async (small) => {
      const runs = [1, 2, 3, 4].map((i) => tokensOf(small.generate(prompt(i, 9), { ...greedy, max_tokens: 20 })))
      const results = await Promise.allSettled(runs)
      expect(results.map((result) => result.status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected'])
      expect((results[3] as PromiseRejectedResult).reason).toBeInstanceOf(QueueFullError)
      const busy = tokensOf(small.generate(prompt(1, 9), { ...greedy, max_tokens: 20 }))
      expect((await small.logits(prompt(2, 9))).length).toBe(9)
      await busy
    })
  })
})

test('errors name the number that was given', async () => {
  await expect(tokensOf(model.generate([1], { temperature: Number.NaN }))).rejects.toThrow('(NaN)')
  await withModel(path, { ...load, contextLength: 9, slidingWindow: null }, async (small) => {
    await expect(tokensOf(small.generate(prompt(1, 9)))).rejects.toThrow(
      '9 tokens, the context holds 9 with the answer',
    )
  })
})

test('results that come in another order than their batches', { timeout: patience(120_000) }, async () => {
  const { runner } = model.loaded
  const sample = runner.sample.bind(runner)
  let [count, swapped] = [0, 0]
  let next = () => {}
  runner.sample = async (batch, known) => {
    const submitted = await sample(batch, known)
    // Each other batch tells its result after the one behind it, as Firefox does where it finds both at once.
    if (count++ % 2 === 1) void submitted.result.then(next)
    else {
      const later = new Promise<void>((resolve) => {
        next = () => {
          swapped++
          resolve()
        }
        // There may be none behind the last.
        setTimeout(resolve, 1000)
      })
      return { ...submitted, result: submitted.result.then((choices) => later.then(() => choices)) }
    }
    return submitted
  }
  try {
    expect(await tokensOf(model.generate(prompt(1, 12), long))).toEqual(expected)
    expect(swapped).toBeGreaterThan(1)
  } finally {
    runner.sample = sample
  }
})
