/** Merges in flat arrays against the definition: join the pair of the lowest rank, the leftmost of equals, again and again. */
import { describe, expect, it } from 'vitest'
import { TokenKind } from '../../src/tokenizer/definition.ts'
import { Merger } from '../../src/tokenizer/merger.ts'
import { mergesOf, NO_MERGES, pairsOf } from '../../src/tokenizer/merges.ts'
import { joinsByScore } from '../../src/tokenizer/vocabulary.ts'
import { random } from '../support/fixtures.ts'

type Merge = readonly [left: string, right: string, rank: number]

const ranked = (merges: readonly Merge[]) => ({
  separator: ' ',
  ranks: new Map(merges.map(([left, right, rank]) => [`${left} ${right}`, rank])),
})

function plainly(word: string, merges: readonly Merge[]): string[] {
  const ranks = new Map(merges.map(([left, right, rank]) => [`${left} ${right}`, rank]))
  const parts = Array.from(word)
  for (;;) {
    let best = -1
    let least = Number.POSITIVE_INFINITY
    for (let i = 0; i + 1 < parts.length; i++) {
      const rank = ranks.get(`${parts[i]} ${parts[i + 1]}`)
      if (rank !== undefined && rank < least) [best, least] = [i, rank]
    }
    if (best < 0) return parts
    parts.splice(best, 2, parts[best]! + parts[best + 1]!)
  }
}

/** Merges of random tokens; with `ties` any two that make a token are joined, with its rank, as SentencePiece does. */
function randomMerges(next: () => number, letters: string, ties: boolean): Merge[] {
  const tokens = Array.from(letters)
  const merges: Merge[] = []
  const pick = () => tokens[Math.floor(next() * tokens.length)]!
  for (let i = 0; i < 60; i++) {
    const joined = pick() + pick()
    if (tokens.includes(joined) || joined.length > 9) continue
    const rank = ties ? Math.floor(next() * 20) : merges.length
    const known = new Set(tokens)
    for (let cut = 1; cut < joined.length; cut++) {
      const [left, right] = [joined.slice(0, cut), joined.slice(cut)]
      if (!known.has(left) || !known.has(right)) continue
      merges.push([left, right, rank])
      if (!ties) break
    }
    tokens.push(joined)
  }
  return merges
}

describe('Merger', () => {
  it.each([false, true])('joins what the definition joins (ties: %s)', (ties) => {
    const next = random(ties ? 1 : 2)
    for (let round = 0; round < 40; round++) {
      const letters = round % 2 === 0 ? 'ab' : 'abcdé'
      const merges = randomMerges(next, letters, ties)
      const merger = new Merger(ranked(merges))
      for (let i = 0; i < 40; i++) {
        const length = Math.floor(next() * 90)
        const word = Array.from({ length }, () => `${letters}x😀`[Math.floor(next() * letters.length)]).join('')
        expect(merger.split(word)).toEqual(plainly(word, merges))
        expect(merger.split(word)).toEqual(plainly(word, merges))
      }
    }
  })

  it('joins the same when it is told what is joined, and not which pairs', () => {
    const next = random(3)
    for (let round = 0; round < 40; round++) {
      const letters = round % 2 === 0 ? 'ab' : 'abcdé'
      const merges = randomMerges(next, letters, true)
      const joins = new Map(merges.map(([left, right, rank]) => [left + right, rank]))
      const all = [...joins].flatMap(([token, rank]) =>
        Array.from({ length: token.length - 1 }, (_, i): Merge => [token.slice(0, i + 1), token.slice(i + 1), rank]),
      )
      const merger = new Merger(joins)
      for (let i = 0; i < 40; i++) {
        const length = Math.floor(next() * 90)
        const word = Array.from({ length }, () => `${letters}x😀`[Math.floor(next() * letters.length)]).join('')
        expect(merger.split(word)).toEqual(plainly(word, all))
      }
    }
  })

  it('knows no more pairs and texts than it has room for, and joins the same', () => {
    const merger = new Merger(
      new Map([
        ['ab', 0],
        ['abab', 1],
      ]),
    )
    const characters = (from: number, count: number) =>
      Array.from({ length: count }, (_, i) => String.fromCodePoint(0x20000 + from + i))
    for (const from of [0, 150_000, 300_000, 450_000]) {
      const others = characters(from, 150_000)
      const parts = merger.split(`abababab${others.join('')}abab`)
      expect(parts.length).toBe(150_003)
      expect([parts[0], parts[1], parts[2], parts.at(-1)]).toEqual(['abab', 'abab', others[0], 'abab'])
    }
    expect(merger.split('babab')).toEqual(['b', 'abab'])
  })

  it('takes words longer than its own arrays, characters that no merge knows, and none', () => {
    const merges: Merge[] = [
      ['a', 'a', 0],
      ['aa', 'aa', 1],
    ]
    const merger = new Merger(ranked(merges))
    expect(merger.split('a'.repeat(400_003))).toEqual([...Array.from({ length: 100_000 }, () => 'aaaa'), 'aa', 'a'])
    expect(merger.split('aa😀\ud800aaaa')).toEqual(['aa', '😀', '\ud800', 'aaaa'])
    expect(merger.split('')).toEqual([])
    expect(new Merger(NO_MERGES).split('ab')).toEqual(['a', 'b'])
  })

  it('forgets words when it knows too many', () => {
    const merger = new Merger(mergesOf(['a b'], 'last'))
    for (let i = 0; i < 50_000; i++) expect(merger.split(`ab${i}`)[0]).toBe('ab')
  })
})

describe('lists of merges', () => {
  it.each([
    ['a b', ['ab', 'c']],
    ['a b', ['ab', ' c']],
    ['a b', ['a b', 'c']],
    ['a b', ['ab\0', '\0\0c']],
    [
      ['a', 'b'],
      ['ab', '\0 c'],
    ],
  ] as const)('keep their tokens, whatever is in them: %j, %j', (first, second) => {
    const merges = mergesOf([first, second], 'last')
    expect(pairsOf(merges)).toEqual([['a', 'b'], [...second]])
    expect(new Merger(merges).split('xab')).toEqual(['x', 'ab'])
  })

  it('take a space for a part of a token where the list has pairs', () => {
    const merges = mergesOf(
      [
        ['a', ' '],
        ['a ', 'b'],
      ],
      'last',
    )
    expect(new Merger(merges).split('a ba')).toEqual(['a b', 'a'])
    // What stands between the tokens of a merge is no part of a text that it joins.
    expect(new Merger(merges).split('a\0 b')).toEqual(['a', '\0', ' ', 'b'])
    expect(new Merger(mergesOf(['a b'], 'last')).split('a b')).toEqual(['a', ' ', 'b'])
  })

  it('of one merge that is listed twice, the first or the last decides', () => {
    const lines = ['b c', 'a b', 'b c']
    expect(new Merger(mergesOf(lines, 'first')).split('abc')).toEqual(['a', 'bc'])
    expect(new Merger(mergesOf(lines, 'last')).split('abc')).toEqual(['ab', 'c'])
    expect(pairsOf(mergesOf(lines, 'last'))).toEqual([
      ['a', 'b'],
      ['b', 'c'],
    ])
  })
})

describe('pieces with scores', () => {
  const ranks = (scores: readonly number[]) => {
    const tokens = scores.map((_, id) => `piece ${id}`)
    const kinds = new Uint8Array(scores.length).fill(TokenKind.normal)
    return [...joinsByScore({ tokens, scores, kinds }).values()]
  }

  it('are ranked by these, equal ones alike, in whatever order they stand', () => {
    expect(ranks([0, 0, -1, -2.5, -2.5, -7])).toEqual([0, 0, 1, 2, 2, 3])
    expect(ranks([-1000, 0, 0, -1, -7, -2.5, -7])).toEqual([4, 0, 0, 1, 3, 2, 3])
    expect(ranks([-2, -1])).toEqual([1, 0])
  })

  it('are refused where one is no number', () => {
    expect(() => ranks([0, Number.NaN, -1])).toThrow('the score of token 1 is NaN, not a number')
    expect(() => ranks([0, -1, -Infinity])).toThrow('the score of token 2 is -Infinity, not a number')
  })
})
