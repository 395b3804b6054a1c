/** The sampler's kernels choose what `sampleToken` chooses, id for id; rules give the bits of `applyHistory`. */
import { afterAll, describe, expect, test } from 'vitest'
import { MistralError } from '../../src/errors.ts'
import { stepLogprobs } from '../../src/generate/step-logprobs.ts'
import { openGpu } from '../../src/gpu/open.ts'
import { SAMPLER_SETTINGS } from '../../src/gpu/shaders.gen.ts'
import * as kernel from '../../src/kernels/sampler.ts'
import { logprobWords } from '../../src/sampling/exact-logprobs.ts'
import { packLists } from '../../src/sampling/packed-lists.ts'
import { packSettings } from '../../src/sampling/packed-params.ts'
import { ruledScores } from '../../src/sampling/packed-rules.ts'
import { applyHistory, processLogits } from '../../src/sampling/processors.ts'
import { randomWord } from '../../src/sampling/random.ts'
import { parseRequestParams } from '../../src/sampling/request-params.ts'
import { masked, sampleToken } from '../reference/sampler.ts'
import { chiSquare, chiSquareLimit } from '../sampling/statistics.ts'
import { disabledFeatures } from '../support/features.ts'
import { randomNumbers } from '../support/gpu.ts'
import { Dice, type Kind, type Outcome, type Request, randomRequest, Stage } from './sampler-stage.ts'

const gpu = await openGpu({ disableFeatures: disabledFeatures() })
afterAll(() => gpu.dispose())

/** SwiftShader switches threads at each barrier: there a tenth of the draws has to do. */
const SHARE = /swiftshader/i.test(gpu.name) ? 0.1 : 1
const MINUTES = 60_000

function expected({ logits, tokens, params, promptLength, eosTokenId, mask }: Request, seed = params.seed!): number {
  const word = randomWord(seed, tokens.length - promptLength)
  try {
    return sampleToken(masked(logits, mask), tokens, params, { promptLength, eosTokenId }, word)
  } catch (error) {
    if (error instanceof MistralError) return kernel.NO_TOKEN
    throw error
  }
}

describe('the GPU chooses what the CPU chooses', () => {
  test.each<[Kind, number, number, number]>([
    ['short', 64, 7000, 500],
    ['short', 1003, 7000, 500],
    ['short', 32_000, 300, 50],
    ['short', 131_072, 40, 20],
    ['dense', 64, 3000, 500],
    ['dense', 1003, 2500, 500],
    ['dense', 32_000, 200, 50],
    ['dense', 131_072, 40, 20],
    ['greedy', 64, 500, 500],
    ['greedy', 131_072, 20, 20],
  ])(
    '%s, vocabulary %i, %i draws',
    async (kind, vocab, draws, outputs) => {
      const stage = new Stage(gpu, vocab, outputs, 300)
      const dice = new Dice(randomNumbers(vocab))
      const wrong: string[] = []
      let none = 0
      let tooShort = 0
      for (let done = 0; done < draws * SHARE; done += outputs) {
        const requests = dice.list(outputs, () => randomRequest(dice, vocab, 300, kind))
        const outcome = await stage.run(requests, kind)
        const tied = requests.filter((_, i) => outcome.chosen[i] === kernel.LIST_TOO_SHORT)
        // What the list cannot hold the other kernel chooses, as the planner has it do.
        const again = tied.length > 0 ? (await stage.run(tied, 'dense')).chosen : []
        for (const [i, request] of requests.entries()) {
          const id = expected(request)
          const chosen = tied.includes(request) ? again[tied.indexOf(request)] : outcome.chosen[i]
          if (id === kernel.NO_TOKEN) none++
          if (chosen !== id) wrong.push(`draw ${done + i}: ${chosen}, not ${id}: ${JSON.stringify(request.params)}`)
          expect(outcome.positions[i]).toBe(request.tokens.length)
        }
        tooShort += tied.length
        expect(outcome.counts.every((count) => count === 0)).toBe(true)
      }
      expect(wrong.slice(0, 5)).toEqual([])
      expect(none).toBeLessThan(draws / 10)
      // Of the kinds of logits, those that tie by the hundred.
      expect(tooShort).toBeLessThan(kind === 'short' && vocab > 64 ? draws / 2 : 1)
      stage.destroy()
    },
    5 * MINUTES,
  )
})

test(
  'scores after the rules are those of applyHistory, bit for bit, on the GPU and in JavaScript',
  async () => {
    const [vocab, outputs, positions] = [1003, 50, 600]
    const stage = new Stage(gpu, vocab, outputs, positions)
    const dice = new Dice(randomNumbers(5))
    let changed = 0
    for (let round = 0; round < 20 * SHARE; round++) {
      const requests = dice.list(outputs, () => randomRequest(dice, vocab, positions, 'rules'))
      const outcome = await stage.run(requests, 'rules')
      for (const [i, { logits, tokens, params, promptLength, eosTokenId, mask }] of requests.entries()) {
        const scores = applyHistory(masked(logits, mask), tokens, params, { promptLength, eosTokenId })
        if (scores === logits) continue
        changed++
        const packed = packSettings(
          params,
          { promptLength, eosTokenId, seed: 1, masked: mask !== undefined },
          packLists,
        )
        const onGpu = outcome.scores.subarray(i * stage.stride, i * stage.stride + vocab)
        for (const got of [onGpu, ruledScores(logits, tokens, packed, mask)]) {
          // -0 and 0, and all NaN, count as equal.
          const wrong = [...got.keys()].filter(
            (id) => got[id] !== scores[id] && !(got[id]! !== got[id] && scores[id]! !== scores[id]),
          )
          expect(wrong, JSON.stringify(params)).toEqual([])
        }
      }
      expect(outcome.counts.every((count) => count === 0)).toBe(true)
    }
    expect(changed).toBeGreaterThan(300 * SHARE)
    stage.destroy()
  },
  MINUTES,
)

/** Requests that differ from each other in their seeds only. */
function withSeeds(request: Omit<Request, 'params'>, params: object, first: number, count: number): Request[] {
  return Array.from({ length: count }, (_, i) => ({
    ...request,
    params: parseRequestParams({ ...params, seed: first + i }).sampler,
  }))
}

test(
  'draws follow the probabilities of processLogits (chi-square)',
  async () => {
    const [vocab, outputs] = [60, 500]
    // The CPU, which draws the same, has 100,000 in test/reference/sampler.test.ts.
    const draws = 10_000 * SHARE
    const stage = new Stage(gpu, vocab, outputs, 8)
    const dice = new Dice(randomNumbers(8))
    const logits = Float32Array.from({ length: vocab }, () => dice.gauss() * 1.5)
    const params = { top_k: 40, top_p: 0.97, temperature: 1.2 }
    const request = { logits, tokens: [1, 2], promptLength: 1, eosTokenId: [] }
    const counts = new Float64Array(vocab)
    for (let seed = 0; seed < draws; seed += outputs) {
      const { chosen } = await stage.run(withSeeds(request, params, seed, outputs))
      for (const id of chosen) counts[id]!++
    }
    const p = processLogits(logits, request.tokens, params, request)
    const kept = [...p.keys()].filter((id) => p[id]! > 0)
    expect(kept.length).toBeGreaterThan(15)
    expect(kept.reduce((sum, id) => sum + counts[id]!, 0)).toBe(draws)
    const statistic = chiSquare(
      kept.map((id) => counts[id]!),
      kept.map((id) => p[id]! * draws),
    )
    expect(statistic).toBeLessThan(chiSquareLimit(kept.length - 1))
    stage.destroy()
  },
  3 * MINUTES,
)

test.each<Kind>(['short', 'dense'])(
  '%s: nothing to choose gives NO_TOKEN, and a full history is left alone',
  async (kind) => {
    const stage = new Stage(gpu, 70, 4, 5)
    const dice = new Dice(randomNumbers(2))
    const some = Float32Array.from({ length: 70 }, () => dice.gauss())
    const nothing = new Float32Array(70).fill(-Infinity)
    nothing[3] = Number.NaN
    const all = Array.from({ length: 70 }, (_, id) => id)
    const base = { promptLength: 1, eosTokenId: [] }
    const requests: Request[] = [
      { ...base, logits: nothing, tokens: [1], params: parseRequestParams({ seed: 1 }).sampler },
      { ...base, logits: nothing, tokens: [1], params: parseRequestParams({ seed: 1, do_sample: false }).sampler },
      { ...base, logits: some, tokens: [1], params: parseRequestParams({ seed: 1, suppress_tokens: all }).sampler },
      // Five tokens fill the history: the sixth has no place, and the next slot's first token must survive.
      { ...base, logits: some, tokens: [1, 2, 3, 4, 5], params: parseRequestParams({ seed: 1 }).sampler },
    ]
    const outcome = await stage.run(requests, kind)
    expect([...outcome.chosen.subarray(0, 3)]).toEqual([kernel.NO_TOKEN, kernel.NO_TOKEN, kernel.NO_TOKEN])
    // Slots run backwards: behind the last output's slot 0 lies that of the third, which begins with its token 1.
    expect(outcome.chosen[3]).toBe(1)
    stage.destroy()
  },
  MINUTES,
)

test(
  'several steps in one command buffer go on from the chosen token',
  async () => {
    const vocab = 200
    const stage = new Stage(gpu, vocab, 6, 20)
    const dice = new Dice(randomNumbers(12))
    const requests = dice.list(6, () => ({
      ...randomRequest(dice, vocab, 10),
      tokens: [1, 2, 3],
      promptLength: 2,
      params: parseRequestParams({ seed: dice.below(1000), top_k: 30, frequency_penalty: 1, no_repeat_ngram_size: 2 })
        .sampler,
    }))
    const outcome = await stage.run(requests, 'short', 4)
    for (const [i, request] of requests.entries()) {
      const tokens = [...request.tokens]
      for (let step = 0; step < 4; step++) tokens.push(expected({ ...request, tokens }))
      expect(outcome.tokens(i).slice(0, 7)).toEqual(tokens)
      expect(outcome.positions[i]).toBe(6)
    }
    stage.destroy()
  },
  MINUTES,
)

/** Log-probabilities in f64, best first, the lower id first among equals. NaN and -Infinity are left out. */
function exactLogprobs(logits: Float32Array): { id: number; logprob: number }[] {
  // Not Math.max, which NaN infects.
  let top = -Infinity
  for (const x of logits) if (x > top) top = x
  let sum = 0
  for (const x of logits) if (!Number.isNaN(x)) sum += Math.exp(x - top)
  const ids = [...logits.keys()].filter((id) => logits[id]! > -Infinity)
  ids.sort((a, b) => logits[b]! - logits[a]! || a - b)
  return ids.map((id) => ({ id, logprob: logits[id]! - top - Math.log(sum) }))
}

describe('log-probabilities', () => {
  test.each([
    [37, 30, 4],
    [64, 30, 4],
    [1003, 30, 4],
    [131_071, 4, 1],
  ])(
    'are those of the twin on the CPU, and of f64, vocabulary %i',
    async (vocab, outputs, rounds) => {
      const stage = new Stage(gpu, vocab, outputs, 90, true)
      const dice = new Dice(randomNumbers(vocab + 1))
      for (let round = 0; round < rounds; round++) {
        const requests = dice
          .list(outputs, () => randomRequest(dice, vocab, 90, 'greedy'))
          // Infinite logits have no log-probabilities.
          .map((r) => ({ ...r, logits: r.logits.map((x) => (x === Infinity ? 1 : x)), topLogprobs: dice.below(21) }))
        const outcome = await stage.run(requests, 'greedy')
        for (const [i, request] of requests.entries()) checkLogprobs(stage, outcome, i, request)
      }
      stage.destroy()
    },
    MINUTES,
  )

  test(
    'are not written for a request that did not ask',
    async () => {
      const stage = new Stage(gpu, 64, 2, 20, true)
      const requests = withSeeds(
        { logits: new Float32Array(64), tokens: [1], promptLength: 1, eosTokenId: [] },
        {},
        0,
        2,
      )
      const outcome = await stage.run([{ ...requests[0]!, topLogprobs: 0 }, requests[1]!], 'greedy')
      expect(stepLogprobs(stage.logged(outcome, 0, 1)).logprob).toBeCloseTo(-Math.log(64), 5)
      expect([...outcome.logprobs.subarray(0, kernel.LOGPROB_STEPS * kernel.LOGPROB_WORDS)].every((x) => x === 0)).toBe(
        true,
      )
      stage.destroy()
    },
    MINUTES,
  )
})

function checkLogprobs(stage: Stage, outcome: Outcome, output: number, request: Request): void {
  const words = stage.logged(outcome, output, request.tokens.length)
  const settings = new Uint32Array(kernel.SETTINGS_WORDS)
  settings[SAMPLER_SETTINGS.TOP_LOGPROBS] = request.topLogprobs! + 1
  const twin = logprobWords(request.logits, outcome.chosen[output]!, settings)
  // Logits behind the last of the best were left by others.
  const count = kernel.LOGPROB_HEAD + kernel.MAX_TOP_LOGPROBS + request.topLogprobs!
  expect(words.subarray(0, count)).toEqual(twin.subarray(0, count))
  const all = exactLogprobs(request.logits)
  const got = stepLogprobs(words)
  const chosen = all.find(({ id }) => id === got.tokenId)
  if (chosen) expect(Math.abs(got.logprob - chosen.logprob)).toBeLessThan(1e-5)
  else expect(got.logprob).toBe(-Infinity)
  const wanted = all.slice(0, request.topLogprobs)
  expect(got.top.map(({ tokenId }) => tokenId)).toEqual(wanted.map(({ id }) => id))
  for (const [rank, { logprob }] of wanted.entries()) {
    expect(Math.abs(got.top[rank]!.logprob - logprob)).toBeLessThan(1e-5)
  }
}
