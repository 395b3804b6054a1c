import { describe, expect, test } from 'vitest'
import { PromptLookup } from '../../src/generate/prompt-lookup.ts'
import { random } from '../support/fixtures.ts'

const lookUp = (tokens: readonly number[], most: number) => new PromptLookup(tokens).guess(most)

/** The definition, by trying every place. */
function slowly(tokens: readonly number[], most: number): number[] {
  for (let n = Math.min(3, tokens.length - 1); n > 0 && most > 0; n--) {
    const last = tokens.length - n
    let best: number | undefined
    for (let start = last - 1; start >= 0; start--) {
      if (tokens.slice(start, start + n).some((id, i) => id !== tokens[last + i])) continue
      best = start
      if (tokens.length - (start + n) >= most) break
    }
    if (best !== undefined) return tokens.slice(best + n, best + n + most)
  }
  return []
}

describe('lookUp', () => {
  test('gives what followed the longest n-gram', () => {
    expect(lookUp([1, 2, 3, 7, 8, 9, 5, 3, 4, 1, 2, 3], 3)).toEqual([7, 8, 9])
    // The trigram is new, the bigram is not.
    expect(lookUp([2, 3, 7, 8, 9, 5, 3, 4, 1, 2, 3], 2)).toEqual([7, 8])
    expect(lookUp([3, 7, 1, 3], 4)).toEqual([7, 1, 3])
  })

  test('takes the latest of several occurrences that is followed by enough', () => {
    expect(lookUp([1, 2, 10, 11, 1, 2, 20, 21, 1, 2], 2)).toEqual([20, 21])
    expect(lookUp([5, 5, 5, 5, 5, 5], 2)).toEqual([5, 5])
    expect(lookUp([5, 5, 5, 5, 5, 5], 8)).toEqual([5, 5, 5])
  })

  test('gives nothing for what is new, or when nothing is wanted', () => {
    expect(lookUp([1, 2, 3], 4)).toEqual([])
    expect(lookUp([1], 4)).toEqual([])
    expect(lookUp([1, 1, 1], 0)).toEqual([])
  })

  test('gives the same on a list that grows as on the whole, whatever was asked for between', () => {
    const next = random(3)
    const dice = (n: number) => Math.floor(next() * n)
    for (const kinds of [1, 2, 5, 40]) {
      const tokens: number[] = []
      const lookup = new PromptLookup(tokens)
      for (let i = 0; i < 300; i++) {
        tokens.push(dice(kinds))
        const most = dice(10)
        if (dice(3) > 0) expect(lookup.guess(most)).toEqual(slowly(tokens, most))
      }
    }
  })
})
