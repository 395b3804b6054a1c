import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { pcg3d, randomSeed, randomWord, type Seed, seedWords } from '../../src/sampling/random.ts'
import { chiSquare, chiSquareLimit } from './statistics.ts'

const fixture = new URL('../fixtures/sampling/random.json', import.meta.url)
const vectors = JSON.parse(readFileSync(fixture, 'utf8')) as [seed: string, step: number, mantissa: number][]

const uniform = (seed: Seed, step: number) => randomWord(seed, step) / 2 ** 32

describe('randomWord', () => {
  test('equals PCG3D in Python integers', () => {
    // The fixture has the upper 24 bits.
    for (const [seed, step, upper] of vectors) expect(randomWord(BigInt(seed), step) >>> 8).toBe(upper)
  })

  test('is the same for a number and a bigint', () => {
    for (const seed of [0, 1, -1, -5, 2 ** 31, -(2 ** 32), 2 ** 32 + 7, 2 ** 53 - 1, -(2 ** 53) + 1]) {
      expect(seedWords(seed)).toEqual(seedWords(BigInt(seed)))
    }
  })

  test('yields words in u32', () => {
    for (const word of pcg3d(0xffffffff, 0x80000000, 12345)) {
      expect(Number.isInteger(word) && word >= 0 && word <= 0xffffffff).toBe(true)
    }
  })

  const sequences: [string, (n: number) => number][] = [
    ['steps of seed 0', (n) => uniform(0, n)],
    ['steps of a large seed', (n) => uniform(0x123456789abcdefn, n)],
    ['first step of seeds 0, 1, 2', (n) => uniform(n, 0)],
    ['step 7 of even seeds', (n) => uniform(2 * n, 7)],
    ['high words only', (n) => uniform(BigInt(n) << 32n, 1)],
  ]
  test.each(sequences)('%s: values and neighbouring pairs are uniform', (_, at) => {
    const draws = Float64Array.from({ length: 100_000 }, (_, n) => at(n))
    const bins = new Uint32Array(1000)
    const pairs = new Uint32Array(32 * 32)
    const low = new Uint32Array(256)
    for (let n = 0; n < draws.length; n++) {
      bins[Math.floor(draws[n]! * 1000)]!++
      low[(draws[n]! * 2 ** 24) & 255]!++
      if (n > 0) pairs[Math.floor(draws[n]! * 32) * 32 + Math.floor(draws[n - 1]! * 32)]!++
    }
    const even = (count: number, total: number) => new Float64Array(count).fill(total / count)
    expect(chiSquare(bins, even(1000, 100_000))).toBeLessThan(chiSquareLimit(999))
    expect(chiSquare(low, even(256, 100_000))).toBeLessThan(chiSquareLimit(255))
    expect(chiSquare(pairs, even(1024, 99_999))).toBeLessThan(chiSquareLimit(1023))
  })

  test('neighbouring seeds give unrelated sequences', () => {
    const pairs = new Uint32Array(32 * 32)
    for (let n = 0; n < 100_000; n++) pairs[Math.floor(uniform(1, n) * 32) * 32 + Math.floor(uniform(2, n) * 32)]!++
    expect(chiSquare(pairs, new Float64Array(1024).fill(100_000 / 1024))).toBeLessThan(chiSquareLimit(1023))
  })
})

test('randomSeed gives different integers that JSON can carry', () => {
  const seeds = new Set(Array.from({ length: 100 }, randomSeed))
  expect(seeds.size).toBe(100)
  for (const seed of seeds) expect(Number.isSafeInteger(seed) && seed >= 0).toBe(true)
})
