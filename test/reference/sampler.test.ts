import { describe, expect, test } from 'vitest'
import { MistralError } from '../../src/errors.ts'
import { ascending, kthLargest } from '../../src/sampling/order.ts'
import { applyHistory, processLogits } from '../../src/sampling/processors.ts'
import { randomWord, type Seed } from '../../src/sampling/random.ts'
import { parseRequestParams, type SamplingInput } from '../../src/sampling/request-params.ts'
import { softmax, topP } from '../../src/sampling/warpers.ts'
import { chiSquare, chiSquareLimit } from '../sampling/statistics.ts'
import { draw, Sampler, weighCandidates } from './sampler.ts'

const uniform = (seed: Seed, step: number) => randomWord(seed, step) / 2 ** 32
const NO_PROMPT = { promptLength: 0 }
const choose = (logits: number[], params: SamplingInput, tokens: number[] = []) =>
  new Sampler({ seed: 1, ...params }, NO_PROMPT).next(Float32Array.from(logits), tokens)

/** Values with many equals, the same on every run. */
function scores(count: number, seed: number, grid: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.round((uniform(seed, i) * 16 - 8) * grid) / grid)
}

describe('greedy', () => {
  test.each([
    [[1, 3, 2], 1],
    [[5, 7, 7, 7], 1],
    [[Number.NaN, 1, Number.NaN, 2], 3],
    [[-Infinity, -Infinity, -100, -Infinity], 2],
    [[0], 0],
    [[-0, 0], 0],
    [[1, Infinity, 2], 1],
  ])('%j gives %i', (logits, id) => {
    expect(choose(logits, { do_sample: false })).toBe(id)
    expect(choose(logits, { temperature: 0 })).toBe(id)
  })

  test('obeys penalties, and not the warpers', () => {
    expect(choose([3, 2], { do_sample: false, repetition_penalty: 2 }, [0])).toBe(1)
    expect(choose([3, 2], { do_sample: false, frequency_penalty: 0.6 }, [0, 0])).toBe(1)
    expect(choose([3, 2], { do_sample: false, temperature: 5, top_k: 2, seed: 9 })).toBe(0)
  })
})

describe('hostile logits', () => {
  test.each([{ do_sample: false }, {}, { top_k: 0, top_p: 1 }])('nothing to choose is an error with %j', (params) => {
    for (const logits of [[Number.NaN, -Infinity], [-Infinity], []]) {
      expect(() => choose(logits, params)).toThrow(MistralError)
    }
    expect(() => choose([1, 2], { ...params, suppress_tokens: [0, 1] })).toThrow('no token is left')
  })

  test.each([{}, { top_k: 0 }, { top_k: 0, top_p: 1 }, { top_k: 1 }, { typical_p: 0.5, eta_cutoff: 0.1 }])(
    'the only possible id is chosen with %j',
    (params) => {
      for (let seed = 0; seed < 50; seed++) {
        expect(choose([Number.NaN, -Infinity, -5, Number.NaN, -Infinity], { ...params, seed })).toBe(2)
        expect(choose([4], { ...params, seed })).toBe(0)
        expect(choose([1, Infinity, 1], { ...params, seed })).toBe(1)
      }
    },
  )

  test('NaN has probability 0', () => {
    const p = processLogits(Float32Array.of(0, Number.NaN, 0), [], { top_k: 0, top_p: 1 }, NO_PROMPT)
    expect([...p]).toEqual([0.5, 0, 0.5])
  })
})

describe('ties', () => {
  test('at the boundary of top_k all stay', () => {
    const p = processLogits(Float32Array.of(2, 1, 2, 1, 2, 0), [], { top_k: 2, top_p: 1 }, NO_PROMPT)
    expect([...p].map((x) => x > 0)).toEqual([true, false, true, false, true, false])
  })

  test('that the temperature makes by rounding stay too', () => {
    const logits = Float32Array.of(1.9, Math.fround(1.9) + 2 ** -23, 0)
    const ties = new Set<boolean>()
    for (const temperature of [0.7, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8]) {
      const t = Math.fround(temperature)
      const tie = Math.fround(logits[0]! / t) === Math.fround(logits[1]! / t)
      const p = processLogits(logits, [], { top_k: 1, top_p: 1, temperature }, NO_PROMPT)
      expect(p[0]! > 0, `temperature ${temperature}`).toBe(tie)
      ties.add(tie)
    }
    expect(ties.size).toBe(2)
  })

  test('in top_p the lower id goes first', () => {
    const p = processLogits(Float32Array.of(0, 0, 0, 0), [], { top_k: 0, top_p: 0.5 }, NO_PROMPT)
    // The running sum 0.25, 0.5 is at most 1 - 0.5 for two of the four.
    expect([...p]).toEqual([0, 0, 0.5, 0.5])
  })
})

/** The definition without any shortcut. */
function topPByFullSort(values: Float32Array, p: number): Float32Array {
  const out = values.slice()
  const probabilities = softmax(values)
  const order = [...values.keys()].sort((a, b) => values[a]! - values[b]! || a - b)
  let sum = 0
  for (const id of order.slice(0, -1)) {
    sum += probabilities[id]!
    if (Math.fround(sum) <= Math.fround(1 - p)) out[id] = -Infinity
  }
  return out
}

describe('shortcuts equal the definitions', () => {
  test.each([1, 4, 1000])('top_p without a full sort, grid %i', (grid) => {
    for (const p of [0, 0.3, 0.9, 0.95, 0.999]) {
      const values = scores(5000, 11, grid)
      const expected = topPByFullSort(values, p)
      topP(values, p)
      expect(values).toEqual(expected)
    }
  })

  test('kthLargest, by heap and by sort', () => {
    const values = scores(6000, 5, 64)
    const sorted = [...values].sort((a, b) => b - a)
    for (const k of [1, 2, 50, 1024, 1025, 5999, 6000]) expect(kthLargest(values, k)).toBe(sorted[k - 1])
    values[17] = Number.NaN
    expect(kthLargest(values, 6000)).toBe(-Infinity)
  })

  test('ascending orders negative, zero, infinite and equal values', () => {
    const values = Float32Array.of(3, -0, 0, -Infinity, -2.5, Infinity, -1e-40, 3, 1e-40)
    expect([...ascending(values, [...values.keys()])]).toEqual([3, 4, 6, 1, 2, 8, 0, 7, 5])
  })

  test('top_k first leaves what top_p over the whole vocabulary would', () => {
    const values = scores(4000, 3, 32)
    const threshold = [...values].sort((a, b) => b - a)[39]!
    const dense = values.map((x) => (x < threshold ? -Infinity : x))
    const expected = softmax(topPByFullSort(dense, 0.9))
    expect(processLogits(values, [], { top_k: 40, top_p: 0.9 }, NO_PROMPT)).toEqual(expected)
  })
})

describe('draws', () => {
  const cases: [SamplingInput, number][] = [
    [{ top_k: 0, top_p: 1 }, 60],
    [{ top_k: 20, top_p: 0.9, temperature: 0.8 }, 2000],
    [{ top_k: 0, top_p: 0.95, temperature: 1.4 }, 400],
    [{ top_k: 0, top_p: 1, temperature: 4 }, 300],
  ]
  test.each(cases)('100,000 with %j from %i ids follow the probabilities', (params, vocab) => {
    const logits = scores(vocab, 21, 100)
    const p = processLogits(logits, [], params, NO_PROMPT)
    const kept = weighCandidates(logits, parseRequestParams(params).sampler)
    const counts = new Float64Array(vocab)
    for (let step = 0; step < 100_000; step++) counts[draw(kept, randomWord(77, step))]!++
    // The usual condition of the test: cells expected fewer than five times are put together.
    const observed = [0]
    const expected = [0]
    for (let id = 0; id < vocab; id++) {
      if (p[id] === 0) expect(counts[id]).toBe(0)
      const cell = p[id]! * 100_000 < 5 ? 0 : observed.push(0) && expected.push(0) - 1
      observed[cell]! += counts[id]!
      expected[cell]! += p[id]! * 100_000
    }
    if (expected[0]! < 5) {
      observed.shift()
      expected.shift()
    }
    expect(chiSquare(observed, expected)).toBeLessThan(chiSquareLimit(observed.length - 1))
  })

  test('100,000 through the sampler itself', () => {
    const logits = Float32Array.of(1, 0, 2, -1, 0.5)
    const p = processLogits(logits, [], { top_k: 4, top_p: 0.95 }, NO_PROMPT)
    const counts = new Float64Array(5)
    for (let seed = 0; seed < 100_000; seed++) {
      counts[new Sampler({ seed, top_k: 4, top_p: 0.95 }, NO_PROMPT).next(logits, [])]!++
    }
    const cells = [...p.keys()].filter((id) => p[id]! > 0)
    expect(cells.length).toBeGreaterThan(2)
    expect(counts.reduce((a, b, id) => a + (p[id]! > 0 ? b : 0), 0)).toBe(100_000)
    const observed = cells.map((id) => counts[id]!)
    expect(
      chiSquare(
        observed,
        cells.map((id) => p[id]! * 100_000),
      ),
    ).toBeLessThan(chiSquareLimit(cells.length - 1))
  })

  test('word 0 takes the first id, the largest word the last', () => {
    const all = { top_k: 0, top_p: 1 }
    const logits = new Float32Array(1000).fill(-Infinity)
    for (const id of [3, 300, 900]) logits[id] = 1
    const kept = weighCandidates(logits, parseRequestParams(all).sampler)
    expect([0, 0.34, 1 - 2 ** -32].map((u) => draw(kept, u * 2 ** 32))).toEqual([3, 300, 900])
    const vanishing = weighCandidates(Float32Array.of(-500, 0, -500), parseRequestParams(all).sampler)
    expect([0, 0.5, 1 - 2 ** -32].map((u) => draw(vanishing, u * 2 ** 32))).toEqual([1, 1, 1])
  })

  test('the tail of a large vocabulary is not lost to rounding', () => {
    const vocab = 131072
    const logits = new Float32Array(vocab).fill(Math.log(2 ** -25))
    logits[0] = 0
    // One id weighs 1, the others 2^-25 each: 2^-8 together, though 1 + 2^-25 is 1 in f32.
    const kept = weighCandidates(logits, parseRequestParams({ top_k: 0, top_p: 1 }).sampler)
    const tail = (vocab - 1) * 2 ** -25
    expect(draw(kept, Math.floor(0.99 * 2 ** 32))).toBe(0)
    const share = 0.5
    const id = draw(kept, Math.floor(((1 + share * tail) / (1 + tail)) * 2 ** 32))
    expect(Math.abs(id / vocab - share)).toBeLessThan(0.01)
  })

  test('repeat with the seed and depend on the step only', () => {
    const logits = scores(500, 2, 100)
    const run = (seed: number | bigint) => {
      const sampler = new Sampler({ seed, top_p: 1, temperature: 3 }, { promptLength: 2 })
      const tokens = [9, 8]
      while (tokens.length < 40) tokens.push(sampler.next(logits, tokens))
      expect(sampler.next(logits, tokens.slice(0, 10))).toBe(tokens[10])
      return tokens
    }
    expect(run(5)).toEqual(run(5n))
    expect(run(5)).not.toEqual(run(6))
  })

  test('a sampler without a seed says which it took', () => {
    const first = new Sampler({}, NO_PROMPT)
    expect(Number.isSafeInteger(first.seed)).toBe(true)
    expect(new Sampler({}, NO_PROMPT).seed).not.toBe(first.seed)
  })
})

describe('OpenAI penalties', () => {
  const ln = (params: SamplingInput) =>
    processLogits(new Float32Array(4), [1, 2, 2, 3, 3, 3], { top_k: 0, top_p: 1, ...params }, { promptLength: 2 }).map(
      (x, _, p) => Math.log(x / p[0]!),
    )

  test('count generated tokens only', () => {
    const frequency = ln({ frequency_penalty: 0.5 })
    for (const [id, expected] of [0, 0, -0.5, -1.5].entries()) expect(frequency[id]).toBeCloseTo(expected, 5)
    const presence = ln({ presence_penalty: 1.5 })
    for (const [id, expected] of [0, 0, -1.5, -1.5].entries()) expect(presence[id]).toBeCloseTo(expected, 5)
    const both = ln({ frequency_penalty: -0.25, presence_penalty: 1 })
    for (const [id, expected] of [0, 0, -0.75, -0.25].entries()) expect(both[id]).toBeCloseTo(expected, 5)
  })
})

test('min_new_tokens also holds back stop_token_ids', () => {
  const params = { top_k: 0, top_p: 1, min_new_tokens: 2, stop_token_ids: [1] }
  const at = (length: number) => [...processLogits(new Float32Array(3), new Array(length).fill(2), params, NO_PROMPT)]
  expect(at(1)[1]).toBe(0)
  expect(at(2)[1]).toBeGreaterThan(0)
})

test('ids outside the vocabulary in the history are refused', () => {
  expect(() => processLogits(new Float32Array(2), [1, 7], {}, NO_PROMPT)).toThrow('must be a list of ids below 2')
})

describe('what the sampler weighs is what processLogits defines', () => {
  const rules: SamplingInput[] = [
    { top_k: 50, top_p: 0.95 },
    { top_k: 0, top_p: 0.9, temperature: 0.7 },
    { top_k: 7, top_p: 1, temperature: 1.7 },
    { top_k: 0, top_p: 1, min_p: 0.05 },
    { top_k: 0, top_p: 1, typical_p: 0.6 },
    { top_k: 0, top_p: 1, epsilon_cutoff: 0.002 },
    { top_k: 0, top_p: 1, eta_cutoff: 0.004 },
    { top_k: 300, top_p: 0.97, min_p: 0.001, typical_p: 0.9, epsilon_cutoff: 1e-4, eta_cutoff: 2e-4 },
    { repetition_penalty: 1.3, frequency_penalty: 0.4, no_repeat_ngram_size: 2, logit_bias: { 5: 3 } },
  ]
  // Where f32 and integers round to different sides of a limit, sets may differ by one candidate: rarely, and never more.
  test.each(rules.map((params) => ({ params })))('400 requests with $params', ({ params }) => {
    const checked = parseRequestParams(params).sampler
    const context = { promptLength: 2 }
    let borderline = 0
    for (let n = 0; n < 400; n++) {
      const vocab = 40 + ((n * 37) % 700)
      const logits = Float32Array.from({ length: vocab }, (_, i) => (uniform(n, i) + uniform(n, i + 5000) - 1) * 9)
      const tokens = [1, 2, n % vocab, 5, 1]
      const p = processLogits(logits, tokens, checked, context)
      const { ids, weights } = weighCandidates(applyHistory(logits, tokens, checked, context), checked)
      const total = weights.reduce((a, b) => a + b, 0)
      const weighed = new Float64Array(vocab)
      for (const [i, id] of ids.entries()) weighed[id] = weights[i]! / total
      const different = [...p.keys()].filter((id) => p[id]! > 0 !== weighed[id]! > 0 && p[id]! > 2 ** -31)
      expect(different.length).toBeLessThan(2)
      if (different.length > 0) borderline++
      else expect(Math.max(...p.map((x, id) => Math.abs(x - weighed[id]!)))).toBeLessThan(1e-6)
    }
    expect(borderline).toBeLessThan(2)
  })
})
