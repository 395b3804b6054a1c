/** When guessing tokens ahead begins and ends, by costs that are given here. */
import { describe, expect, it } from 'vitest'
import { type Costs, Speculation } from '../../src/generate/speculation.ts'
import { random } from '../support/fixtures.ts'

/** Costs by the number of rows; a step of many costs less than one that is awaited. */
function costs(alone: (rows: number) => number | undefined, answers = 1): Costs {
  return { answers, aloneCost: alone, stepCost: () => 1 }
}

const CHEAP = costs((rows) => 1.1 + 0.05 * rows)
const DEAR = costs((rows) => rows + 0.1)

/** An answer that grows token by token. Returns how many guessed tokens would be right of those that were guessed. */
function grow(tokens: number[], ids: readonly number[], speculation: Speculation) {
  let [guessed, right, rounds] = [0, 0, 0]
  for (let i = 0; i < ids.length; ) {
    const guess = speculation.guess(8)
    if (guess.length > 0) rounds++
    let same = 0
    while (same < guess.length && guess[same] === ids[i + same]) same++
    guessed += guess.length
    right += same
    for (const id of ids.slice(i, i + same + 1)) {
      tokens.push(id)
      speculation.added()
    }
    i += same + 1
  }
  return { guessed, right, rounds }
}

function answerOf(ids: readonly number[], given: Costs, stepwise = false) {
  const tokens = [1, 2, 3]
  const speculation = new Speculation(tokens, 8, given, () => stepwise)
  return { ...grow(tokens, ids, speculation), speculation, tokens }
}

const repeated = Array.from({ length: 120 }, (_, i) => 10 + (i % 12))
const next = random(7)
/** Words that come again, as in any text, but never in the same order for long. */
const varied = Array.from({ length: 400 }, () => 10 + Math.floor(next() * 30))

describe('guessing', () => {
  it('begins by itself on a text that repeats, and takes most of the answer', () => {
    const { guessed, right, rounds } = answerOf(repeated, CHEAP)
    expect(right).toBeGreaterThan(70)
    expect(guessed - right).toBeLessThan(12)
    expect(rounds).toBeLessThan(20)
  })

  it('never begins on a text that does not repeat', () => {
    expect(answerOf(varied, CHEAP).guessed).toBe(0)
  })

  it('does not begin where a wide step costs what its tokens would cost one by one', () => {
    expect(answerOf(repeated, DEAR).guessed).toBe(0)
  })

  it('is tried where the cost of wide steps is not known', () => {
    const unknown = costs((rows) => (rows === 1 ? 1.1 : undefined))
    expect(answerOf(repeated, unknown).right).toBeGreaterThan(70)
  })

  it('stops soon after the text no longer repeats, and begins again when it does', () => {
    const { speculation, tokens } = answerOf(repeated, CHEAP)
    expect(speculation.pays).toBe(true)
    const { rounds } = grow(
      tokens,
      varied.map((id) => id + 100),
      speculation,
    )
    expect(rounds).toBeLessThan(10)
    expect(speculation.pays).toBe(false)
    expect(grow(tokens, repeated, speculation).right).toBeGreaterThan(60)
  })

  it('takes no longer guesses than pay', () => {
    // Up to four rows cost as much as one; more are dear.
    const { speculation } = answerOf(
      repeated,
      costs((rows) => (rows <= 4 ? 1.1 : 9)),
    )
    expect(speculation.guess(8)).toHaveLength(3)
  })

  it('counts that other answers of the batch wait for it', () => {
    expect(
      answerOf(
        repeated,
        costs((rows) => (rows <= 8 ? 1.3 : 2.5), 8),
      ).guessed,
    ).toBe(0)
  })

  it('begins at once where the prompt repeats itself, and ends soon where the answer does not', () => {
    const tokens = repeated.slice(0, 60)
    const speculation = new Speculation(tokens, 8, CHEAP, () => false)
    expect(speculation.pays).toBe(false)
    expect(grow(tokens, repeated.slice(0, 1), speculation).guessed).toBe(0)
    expect(speculation.pays).toBe(true)
    expect(
      grow(
        tokens,
        varied.map((id) => id + 100),
        speculation,
      ).rounds,
    ).toBeLessThan(8)
  })

  it('waits with the prompt until costs are known', () => {
    const known = { answers: 1, aloneCost: CHEAP.aloneCost, stepCost: (): number | undefined => undefined }
    const tokens = repeated.slice(0, 60)
    const speculation = new Speculation(tokens, 8, known, () => false)
    grow(tokens, repeated.slice(0, 3), speculation)
    expect(speculation.pays).toBe(false)
    known.stepCost = () => 1
    grow(tokens, repeated.slice(3, 4), speculation)
    expect(speculation.pays).toBe(true)
  })

  it('never guesses more than there is room for', () => {
    const { speculation } = answerOf(repeated, CHEAP)
    expect(speculation.guess(2)).toHaveLength(2)
    expect(speculation.guess(0)).toEqual([])
  })
})
