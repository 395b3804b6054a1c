/** The vectors of transformers' own tests/generation/test_logits_process.py. */
import { describe, expect, test } from 'vitest'
import * as history from '../../src/sampling/history.ts'
import { processLogits, type SamplingContext } from '../../src/sampling/processors.ts'
import * as warp from '../../src/sampling/warpers.ts'

const logs = (p: number[]) => Float32Array.from(p, Math.log)
const zeros = (n: number) => new Float32Array(n)
const banned = (scores: Float32Array) => [...scores.keys()].filter((id) => scores[id] === -Infinity)
const kept = (p: Float32Array) => [...p.keys()].filter((id) => p[id]! > 0)

/** Candidates keep the probability they had; the others become 0. */
function keptProbabilities(p: number[], rule: (scores: Float32Array) => void): number[] {
  const scores = logs(p)
  rule(scores)
  return p.map((x, i) => (scores[i] === -Infinity ? 0 : x))
}

function afterHistory(change: (scores: Float32Array) => void, scores = zeros(5)): Float32Array {
  change(scores)
  return scores
}

describe('rules on the history', () => {
  test('repetition penalty 2', () => {
    const first = zeros(10).fill(0.1)
    first[0] = -0.1
    history.repetitionPenalty(first, [0, 1], 2)
    expect(first[0]).toBeCloseTo(-0.2, 6)
    expect(first[1]).toBeCloseTo(0.05, 6)
    expect(first[2]).toBeCloseTo(0.1, 6)
    const second = zeros(10).fill(0.1)
    second[5] = 0.4
    history.repetitionPenalty(second, [5, 0], 2)
    expect(second[0]).toBeCloseTo(0.05, 6)
    expect(second[5]).toBeCloseTo(0.2, 6)
  })

  test.each([
    [2, 3, [1, 1, 2, 1], [1, 2]],
    [2, 3, [0, 1, 0, 1], [0]],
    [3, 3, [1, 1, 2, 1], []],
    [3, 3, [0, 1, 0, 1], [0]],
    [3, 9, [1, 2, 5, 7, 8, 5, 1, 2], [5]],
    [3, 3, [1, 2], []],
    [3, 3, [0, 1], []],
    [1, 4, [2, 0, 2], [0, 2]],
  ])('no_repeat_ngram %i of %i ids on %j bans %j', (n, vocab, tokens, expected) => {
    expect(banned(afterHistory((s) => history.noRepeatNgram(s, tokens, n), zeros(vocab)))).toEqual(expected)
  })

  test('bad words', () => {
    const words = [[1], [4], [1, 0], [0, 1, 2], [1, 3, 1, 3]]
    expect(banned(afterHistory((s) => history.badWords(s, [0, 1, 3, 1], words, [4])))).toEqual([0, 1, 3])
    expect(banned(afterHistory((s) => history.badWords(s, [0, 1, 0, 1], words, [4])))).toEqual([0, 1, 2])
  })

  test('sequence bias', () => {
    const biases = [
      [[1], 100],
      [[4], 100],
      [[1, 0], -100],
      [[0, 1, 2], -100],
      [[1, 3, 1, 3], -100],
    ] as const
    const biased = (tokens: number[]) => [...afterHistory((s) => history.sequenceBias(s, tokens, biases))]
    expect(biased([0, 1, 3, 1])).toEqual([-100, 100, 0, -100, 100])
    expect(biased([0, 1, 0, 1])).toEqual([-100, 100, -100, 0, 100])
  })
})

describe('lengths', () => {
  const eosIsBanned = (params: object, context: SamplingContext, length: number) =>
    processLogits(zeros(20), new Array(length).fill(3), { top_k: 0, top_p: 1, ...params }, context)[0] === 0

  test('min_length 10 counts the prompt', () => {
    const context = { promptLength: 5, eosTokenId: 0 }
    expect([5, 9, 10, 15].map((n) => eosIsBanned({ min_length: 10 }, context, n))).toEqual([true, true, false, false])
  })

  test('min_new_tokens 3 does not', () => {
    const context = { promptLength: 5, eosTokenId: [0] }
    const lengths = [5, 6, 7, 8]
    expect(lengths.map((n) => eosIsBanned({ min_new_tokens: 3 }, context, n))).toEqual([true, true, true, false])
  })
})

describe('warpers', () => {
  test('top_k 3', () => {
    const ramp = Float32Array.from({ length: 10 }, (_, i) => i)
    const raised = ramp.map((x, i) => (i < 5 ? x + 10 : x))
    const params = { top_k: 3, top_p: 1 }
    expect(kept(processLogits(ramp, [1], params, { promptLength: 1 }))).toEqual([7, 8, 9])
    expect(kept(processLogits(raised, [1], params, { promptLength: 1 }))).toEqual([2, 3, 4])
  })

  test('temperature sharpens and flattens', () => {
    const scores = Float32Array.of(1, 2, 4)
    warp.temperature(scores, 0.5)
    expect([...scores]).toEqual([2, 4, 8])
  })

  test.each([
    [
      [0.3, 0.1, 0.1, 0.5],
      [0.3, 0, 0, 0.5],
    ],
    [
      [0.15, 0.3, 0.3, 0.25],
      [0, 0.3, 0.3, 0.25],
    ],
  ])('top_p 0.8 of %j', (p, expected) => {
    expect(keptProbabilities(p, (s) => warp.topP(s, 0.8))).toEqual(expected)
  })

  test.each([
    [
      [0.9, 0.0274, 0.047, 0.0274],
      [0.9, 0, 0.047, 0],
    ],
    [
      [0.15, 0.3, 0.3, 0.25],
      [0.15, 0.3, 0.3, 0.25],
    ],
    [
      [0.97, 0.01, 0.01, 0.01],
      [0.97, 0, 0, 0],
    ],
  ])('min_p 0.05 of %j', (p, expected) => {
    expect(keptProbabilities(p, (s) => warp.minP(s, 0.05))).toEqual(expected)
  })

  test.each([
    [
      [0.97, 0.01, 0.01, 0.01],
      [0.97, 0, 0, 0],
    ],
    [
      [0.4, 0.2, 0.2, 0.2],
      [0, 0.2, 0.2, 0.2],
    ],
  ])('typical_p 0.5 of %j', (p, expected) => {
    expect(keptProbabilities(p, (s) => warp.typicalP(s, 0.5))).toEqual(expected)
  })

  test('typical_p stops at the candidate that reaches the mass exactly', () => {
    // Not among the published ones; transformers gives this.
    expect(keptProbabilities([0.5, 0.25, 0.125, 0.125], (s) => warp.typicalP(s, 0.75))).toEqual([0.5, 0.25, 0, 0])
  })

  test.each([
    [
      [0.87, 0.099, 0.001, 0.03],
      [0.87, 0, 0, 0],
    ],
    [
      [0.4, 0.299, 0.101, 0.2],
      [0.4, 0.299, 0.101, 0.2],
    ],
  ])('epsilon_cutoff 0.1 of %j', (p, expected) => {
    expect(keptProbabilities(p, (s) => warp.epsilonCutoff(s, 0.1))).toEqual(expected)
  })

  test.each([
    [
      [0, 0.1, 0.8, 0.1],
      [0, 0.1, 0.8, 0.1],
    ],
    [
      [0.01, 0.04, 0.9, 0.05],
      [0, 0, 0.9, 0],
    ],
  ])('eta_cutoff 0.0625 of %j', (p, expected) => {
    expect(keptProbabilities(p, (s) => warp.etaCutoff(s, 0.0625))).toEqual(expected)
  })
})
