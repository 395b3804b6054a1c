/** Constraints while tokens are generated: a caller's own, over tokens; what they allow is what comes, with everything else a request has. */
import { describe, expect, test } from 'vitest'
import { type Constraint, MistralError, ParameterError, type SamplingInput } from '../../src/index.ts'
import { Sampler } from '../reference/sampler.ts'
import { withModel } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'
import {
  base,
  constrained,
  ForkingRising,
  KINDS,
  keeps,
  load,
  maskOf,
  path,
  Rising,
  Sparing,
  Staying,
  vocab,
} from './constraint-stage.ts'
import { promptOf, runAll, tokensOf } from './support.ts'

describe('a constraint', { timeout: patience(300_000) }, () => {
  test('lets in what its masks say, whatever chooses, and the twin chooses the same', async () => {
    await withModel(path, load, async (model) => {
      const prompt = promptOf(3, 9, vocab)
      for (const params of KINDS) {
        const ids = await constrained(model, prompt, params)
        expect(ids.length).toBe(20)
        expect(keeps(ids)).toBe(true)
        // The twin draws the same from the model's own logits.
        const sampler = new Sampler(params, { promptLength: prompt.length, eosTokenId: [2] })
        const logits = await model.logits([...prompt, ...ids.slice(0, -1)])
        const twin = new Rising()
        for (const [i, id] of ids.entries()) {
          const tokens = [...prompt, ...ids.slice(0, i)]
          expect(sampler.next(logits[tokens.length - 1]!, tokens, twin.mask())).toBe(id)
          twin.accept(id)
        }
      }
    })
  })

  test('lets the same come beside other requests, with guesses, and without a cache', async () => {
    await withModel(path, { ...load, maxSequences: 4 }, async (model) => {
      const prompt = promptOf(4, 12, vocab)
      const [greedy, drawn] = [KINDS[0]!, KINDS[1]!]
      const alone = [await constrained(model, prompt, greedy), await constrained(model, prompt, drawn)]
      const free = await tokensOf(model.generate(prompt, drawn))
      const together = await Promise.all([
        constrained(model, prompt, greedy),
        tokensOf(model.generate(prompt, drawn)),
        constrained(model, prompt, drawn),
        tokensOf(model.generate(prompt, { ...drawn, max_tokens: 40 })),
      ])
      expect([together[0], together[2]]).toEqual(alone)
      expect(together[1]).toEqual(free)
      const forks = () => new ForkingRising()
      const guessed = { ...greedy, prompt_lookup_num_tokens: 5 }
      expect(await constrained(model, prompt, guessed, forks)).toEqual(alone[0])
      expect(await constrained(model, prompt, guessed)).toEqual(alone[0])
      expect(await constrained(model, prompt, { ...greedy, use_cache: false, max_tokens: 6 })).toEqual(
        alone[0]!.slice(0, 6),
      )
    })
  })

  test.each([1, 4, 16, undefined])(
    'gives the same under masks that stay, %s steps at a time',
    async (stepsPerReadback) => {
      const options = { ...load, maxSequences: 3, ...(stepsPerReadback && { stepsPerReadback }) }
      await withModel(path, options, async (model) => {
        const prompt = promptOf(6, 8, vocab)
        const staying = (params: SamplingInput, made: Staying) =>
          constrained(model, prompt, params, () => made as never)
        for (const kind of KINDS) {
          const params = { ...kind, max_tokens: 40 }
          const [plain, told] = [new Staying(false), new Staying(true)]
          const ids = await staying(params, plain)
          expect(await staying(params, told)).toEqual(ids)
          expect([plain.asked, ids.length]).toEqual([40, 40])
          if (stepsPerReadback !== undefined && stepsPerReadback > 1) expect(told.asked).toBeLessThan(40)
          // Beside others, of which one goes on without a constraint and one has masks that change.
          const together = await Promise.all([
            staying(params, new Staying(true)),
            tokensOf(model.generate(prompt, params)),
            constrained(model, prompt, params),
          ])
          expect(together[0]).toEqual(ids)
          expect(together[1]).toEqual(await tokensOf(model.generate(prompt, params)))
          expect(together[2]).toEqual(await constrained(model, prompt, params))
        }
        // What was dropped is not in the cache: a conversation goes on from it as if it had been computed alone.
        const ids = await staying({ ...KINDS[0]!, max_tokens: 30 }, new Staying(true))
        const on = await tokensOf(model.generate([...prompt, ...ids], KINDS[0]))
        expect(on).toEqual(await tokensOf(model.generate([...prompt, ...ids], { ...KINDS[0], use_cache: false })))
      })
    },
  )

  test.each([1, 4, 16, undefined])(
    'gives the same where the best token is taken from more than its mask, %s steps at a time',
    async (stepsPerReadback) => {
      const options = { ...load, maxSequences: 3, ...(stepsPerReadback && { stepsPerReadback }) }
      await withModel(path, options, async (model) => {
        const { counters } = model.loaded.gpu
        // As long as JavaScript chooses, each step is read back.
        await model.loaded.runner.recordings.endings({ ruled: true, kind: 'greedy', logged: false })
        const lists = { repetition_penalty: 1.3, logit_bias: { 9: 3 }, bad_words_ids: [[4], [5, 6]] }
        for (const params of [KINDS[0]!, { ...KINDS[0]!, ...lists }, KINDS[1]!]) {
          for (const make of [() => new Sparing(), () => new ForkingRising()]) {
            const run = (made: Constraint) =>
              constrained(model, promptOf(8, 9, vocab), { ...params, max_tokens: 40 }, () => made as never)
            // Without a fork each token is awaited.
            const ids = await run(Object.assign(make(), { fork: undefined }))
            const before = counters.readbacks
            expect(await run(make())).toEqual(ids)
            const saves = stepsPerReadback === 4 && params.do_sample === false
            if (saves) expect(counters.readbacks - before).toBeLessThan(36)
            const together = await Promise.all([run(make()), run(make()), tokensOf(model.generate([5, 6], params))])
            expect(together.slice(0, 2)).toEqual([ids, ids])
          }
        }
      })
    },
  )

  test('is asked once for each token, and told each', async () => {
    await withModel(path, load, async (model) => {
      const rising = new Rising()
      const ids = await constrained(model, promptOf(5, 7, vocab), KINDS[0]!, () => rising)
      expect(rising.accepted).toEqual(ids)
      expect(rising.asked).toBe(ids.length)
    })
  })

  test('takes what it expects in fewer passes, where the model agrees', async () => {
    await withModel(path, load, async (model) => {
      const text = [7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47]
      const fixed = (at: number, expects: boolean): Constraint => ({
        mask: () => maskOf([text[at % text.length]!]),
        accept: () => void at++,
        fork: () => fixed(at, expects),
        ...(expects && {
          expected: (most: number) => Array.from({ length: most }, (_, i) => text[(at + i) % text.length]!),
        }),
      })
      const { counters } = model.loaded.gpu
      const passes: number[] = []
      for (const expects of [false, true]) {
        const before = counters.passes
        expect(
          await constrained(model, [3, 4, 5], { ...base, max_tokens: 24 }, () => fixed(0, expects) as Rising),
        ).toEqual([...text, ...text])
        passes.push(counters.passes - before)
      }
      expect(passes[1]).toBeLessThan(passes[0]! / 3)
      // Wrong expectations change nothing.
      const wrong = { ...fixed(0, true), expected: () => [1, 2, 3] }
      expect(await constrained(model, [3, 4, 5], { ...base, max_tokens: 5 }, () => wrong as unknown as Rising)).toEqual(
        text.slice(0, 5),
      )
    })
  })

  test('ends the answer when it is done, and gives log-probabilities of the model', async () => {
    await withModel(path, load, async (model) => {
      const prompt = promptOf(6, 7, vocab)
      const rising = new Rising()
      const ending = {
        mask: () => rising.mask(),
        accept: (id: number) => rising.accept(id),
        get done() {
          return rising.accepted.length === 3
        },
      }
      const params = { ...KINDS[0]!, logprobs: true, top_logprobs: 2 }
      const steps = model.generate(prompt, params, { constraint: () => ending })
      const seen = []
      for await (const step of steps) seen.push(step)
      expect(seen.length).toBe(3)
      expect(seen[2]!.finishReason).toBe('stop')
      const free = await model.generate(prompt, params)
      for await (const step of free) {
        const top = step.logprobs!.top
        expect(seen[0]!.logprobs!.top.map(({ tokenId }) => tokenId)).toEqual(top.map(({ tokenId }) => tokenId))
        // The prompt is cached now: one row has another kernel, which may add up in another order.
        for (const [i, { logprob }] of seen[0]!.logprobs!.top.entries()) expect(logprob).toBeCloseTo(top[i]!.logprob, 4)
        break
      }
    })
  })

  test('that is idle at first lets several steps run, and holds from the token on that wakes it', async () => {
    const prompt = promptOf(10, 7, vocab)
    const params = { ...KINDS[1]!, max_tokens: 60 }
    const seen = await withModel(path, { ...load, stepsPerReadback: 1 }, (model) =>
      tokensOf(model.generate(prompt, params)),
    )
    // A token that comes for the first time in the middle.
    const at = seen.findIndex((id, i) => i > 17 && !seen.slice(0, i).includes(id))
    const waking = (): Constraint & { accepted: number[] } => {
      const rising = new Rising()
      let idle = true
      return {
        accepted: rising.accepted,
        get idle() {
          return idle
        },
        mask: () => (idle ? null : rising.mask()),
        accept: (id) => {
          if (idle) idle = id !== seen[at]
          else rising.accept(id)
        },
      }
    }
    const all: number[][] = []
    for (const stepsPerReadback of [1, 4, 16]) {
      await withModel(path, { ...load, stepsPerReadback, maxSequences: 2 }, async (model) => {
        const [ids, beside] = await Promise.all([
          tokensOf(model.generate(prompt, params, { constraint: waking })),
          tokensOf(model.generate(prompt, params)),
        ])
        expect(beside).toEqual(seen)
        all.push(ids)
        const guessed = { ...params, prompt_lookup_num_tokens: 4 }
        expect(await tokensOf(model.generate(prompt, guessed, { constraint: waking }))).toEqual(ids)
      })
    }
    expect(all[0]!.slice(0, at + 1)).toEqual(seen.slice(0, at + 1))
    expect(keeps(all[0]!.slice(at + 1))).toBe(true)
    expect(all[1]).toEqual(all[0])
    expect(all[2]).toEqual(all[0])
  })

  test('whose functions fail ends its own request alone', async () => {
    await withModel(path, { ...load, maxSequences: 3 }, async (model) => {
      const prompt = promptOf(7, 7, vocab)
      const alone = await constrained(model, prompt, KINDS[0]!)
      const failing = (at: 'mask' | 'accept'): Constraint => {
        const rising = new Rising()
        const failing = (now: 'mask' | 'accept') => {
          if (now === at && rising.accepted.length === 4) throw new Error(`no ${at}`)
          return rising
        }
        return { mask: () => failing('mask').mask(), accept: (id) => failing('accept').accept(id) }
      }
      const results = await Promise.allSettled([
        tokensOf(model.generate(prompt, KINDS[1]!, { constraint: () => failing('mask') })),
        constrained(model, prompt, KINDS[0]!),
        tokensOf(model.generate(prompt, KINDS[1]!, { constraint: () => failing('accept') })),
      ])
      expect(results[0]).toMatchObject({ status: 'rejected', reason: { message: 'no mask' } })
      expect(results[1]).toMatchObject({ value: alone })
      expect(results[2]).toMatchObject({ status: 'rejected', reason: { message: 'no accept' } })
      expect(model.status()).toMatchObject({ running: 0, waiting: 0 })
      const none = { mask: () => maskOf([]), accept: () => {} }
      await expect(tokensOf(model.generate(prompt, KINDS[0]!, { constraint: () => none }))).rejects.toThrow(
        MistralError,
      )
      const bad = { mask: () => [1] as unknown as Uint32Array, accept: () => {} }
      await expect(tokensOf(model.generate(prompt, KINDS[0]!, { constraint: () => bad }))).rejects.toThrow(
        ParameterError,
      )
      await expect(
        tokensOf(model.generate(prompt, KINDS[0]!, { constraint: () => ({}) as Constraint })),
      ).rejects.toThrow(ParameterError)
    })
  })

  test('is left by an abort, and by a reader who pauses it', async () => {
    await withModel(path, { ...load, maxSequences: 1 }, async (model) => {
      const prompt = promptOf(8, 7, vocab)
      const whole = await runAll(model, prompt, { ...KINDS[0]!, max_tokens: 90 })
      expect(whole.ids.length).toBe(90)
      const abort = new AbortController()
      const ids: number[] = []
      const steps = model.generate(prompt, KINDS[0]!, { constraint: () => new Rising(), signal: abort.signal })
      await expect(
        (async () => {
          for await (const { tokenId } of steps) {
            ids.push(tokenId)
            if (ids.length === 3) abort.abort()
          }
        })(),
      ).rejects.toMatchObject({ name: 'AbortError' })
      expect(keeps(ids)).toBe(true)
      // A generation that nobody reads gives its sequence up, and goes on from its tokens later.
      const params = { ...KINDS[0]!, max_tokens: 150 }
      const expected = await constrained(model, prompt, params)
      const slow = model.generate(prompt, params, { constraint: () => new Rising() })
      const first = (await slow.next()).value as { tokenId: number }
      await constrained(model, promptOf(9, 5, vocab), KINDS[0]!)
      expect([first.tokenId, ...(await tokensOf(slow))]).toEqual(expected)
    })
  })
})
