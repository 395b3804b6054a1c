import { describe, expect, test } from 'vitest'
import { lookUp } from '../../src/generate/prompt-lookup.ts'

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
})
