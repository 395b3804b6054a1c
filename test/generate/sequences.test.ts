/** Several sequences, and what is left of one for the next. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MistralModel } from '../../src/index.ts'
import { disabledFeatures } from '../support/features.ts'
import { fixture, maxDifference, withModel } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'
import { greedy, promptOf as promptOfVocab, tokensOf } from './support.ts'

const { path, reference } = fixture('window-7')
const promptOf = (seed: number, length: number) => promptOfVocab(seed, length, reference.vocab)
const nextId = async (steps: AsyncIterator<{ tokenId: number }, unknown>) => {
  const next = await steps.next()
  if (next.done) throw new Error('the generation ended early')
  return next.value.tokenId
}

let model: MistralModel
beforeAll(async () => {
  model = await MistralModel.load(path, { kvCache: 'f32', prefillChunk: 8, disableFeatures: disabledFeatures() })
}, patience(120_000))
afterAll(() => model?.dispose())

describe('several sequences', () => {
  const prompts = [promptOf(11, 9), promptOf(12, 33), promptOf(13, 17)]
  let alone: number[][]
  beforeAll(async () => {
    alone = []
    for (const prompt of prompts) alone.push(await tokensOf(model.generate(prompt, { ...greedy, max_tokens: 20 })))
  })

  test('run side by side as each runs alone', { timeout: patience(120_000) }, async () => {
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

  test('rows of several sequences in one batch give what each gives alone', {
    timeout: patience(120_000),
  }, async () => {
    await withModel(path, { kvCache: 'f32', maxSequences: 3 }, async (many) => {
      const expected = await Promise.all(prompts.map(async (prompt) => (await model.logits(prompt)).at(-1)!))
      // The last row of each sequence together with the whole prompt of another: every mixture goes in one batch.
      const { runner } = many.loaded
      const rowsOf = (sequence: number, from: number, to: number) =>
        prompts[sequence]!.slice(from, to).map((_, i) => ({
          sequence,
          position: from + i,
          output: from + i === prompts[sequence]!.length - 1,
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
    for (const run of runs) await run.return()
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
      for await (const { tokenId } of steps) out.push(tokenId)
      return { out, cached: (await steps.summary).usage.cached_tokens }
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
