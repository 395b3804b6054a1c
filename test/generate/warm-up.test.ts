/** What is compiled while a model loads, by the device's own counters. */
import { expect, test } from 'vitest'
import { fixture, withModel } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'
import { greedy, promptOf, tokensOf } from './support.ts'

const { path, reference } = fixture('window-7')
const load = { kvCache: 'f32', prefillChunk: 32 } as const
const prompt = promptOf(9, 20, reference.vocab)
const sampled = { seed: 1, max_tokens: 5, ignore_eos: true }
const WAIT = { timeout: patience(120_000) }

test('the first requests of a loaded model, greedy and sampled, have nothing to compile', WAIT, async () => {
  await withModel(path, load, async (model) => {
    const { counters } = model.loaded.gpu
    await model.loaded.runner.recordings.begun
    const loaded = counters.pipelinesCreated
    const slowly = model.loaded.gpu.software && model.loaded.gpu.tuning.subgroupLanes === 4
    const ask = async (first: number) => {
      await tokensOf(model.generate([first, ...prompt], { ...greedy, max_tokens: 5 }))
      await tokensOf(model.generate([first + 1, ...prompt], sampled))
    }
    const rest = model.loaded.runner.busy()
    await ask(1)
    expect(counters.pipelinesCreated).toBe(loaded)
    rest()
    // Where compilers are slow the rest is compiled once nobody wants anything.
    const { meanwhile } = model.loaded.runner.recordings
    await expect.poll(() => meanwhile?.idle.pending ?? 0, { timeout: patience(60_000) }).toBe(0)
    const before = counters.pipelinesCreated
    if (slowly) expect(before).toBeGreaterThan(loaded)
    await ask(3)
    expect(counters.pipelinesCreated).toBe(before)
    // Rules of a request are compiled when one has some, and once.
    const ruled = { ...sampled, repetition_penalty: 1.2 }
    const asked = counters.pipelinesCreated
    await tokensOf(model.generate([5, ...prompt], ruled))
    await expect.poll(() => counters.pipelinesCreated).toBeGreaterThan(asked)
    await expect.poll(() => meanwhile?.idle.pending ?? 0, { timeout: patience(60_000) }).toBe(0)
    const after = counters.pipelinesCreated
    await tokensOf(model.generate([6, ...prompt], ruled))
    expect(counters.pipelinesCreated).toBe(after)
  })
})

test('a model for one request compiles less before its first token, and gives the same', WAIT, async () => {
  const all = await withModel(path, load, async (model) => {
    const ids = await tokensOf(model.generate(prompt, sampled))
    const { meanwhile } = model.loaded.runner.recordings
    await expect.poll(() => meanwhile?.idle.pending ?? 0, { timeout: patience(60_000) }).toBe(0)
    return { ids, pipelines: model.loaded.gpu.counters.pipelinesCreated }
  })
  await withModel(path, { ...load, firstSampler: 'short' }, async (model) => {
    const { counters } = model.loaded.gpu
    expect(counters.pipelinesCreated).toBeLessThan(all.pipelines)
    const before = counters.pipelinesCreated
    await tokensOf(model.generate([1, ...prompt], { ...sampled, max_tokens: 1 }))
    expect(counters.pipelinesCreated).toBe(before)
    expect(await tokensOf(model.generate(prompt, sampled))).toEqual(all.ids)
  })
})
