/** Patterns against the runtime's own regular expressions: which texts they accept, and where they are refused. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PatternError, parseRegex, parseSearch } from '../../src/constraints/regex.ts'
import { textAccepts } from '../reference/expression-matcher.ts'

const PATTERNS = [
  '',
  'a',
  '^a',
  'a$',
  '^a$',
  '^$',
  'a|b',
  '^a|b$',
  '^(a|b)$',
  'ab*c',
  'a+?b',
  '(?:ab){2,3}',
  '^(?:ab){2}$',
  'a{0}',
  'a{2,}',
  '.',
  '^.{2}$',
  '[abc]',
  '[^abc]',
  '[a-c-]',
  '[\\d_-]',
  '[\\w.]+@[\\w.]+',
  '\\d\\D\\s\\S\\w\\W',
  '\\.',
  '\\/',
  '[\\]\\\\]',
  '[\\b]',
  '\\t\\n\\r\\f\\v\\0',
  '\\x61\\u0062\\u{63}',
  '\\ud83d\\udc32',
  '\\cA',
  '^🐲*$',
  '^\\p{Lu}\\p{Ll}+$',
  '\\P{L}',
  '\\p{Script=Greek}',
  '[\\p{L}\\d]',
  '(?<year>\\d{2})-(?<month>\\d)',
  '\\bab',
  'ab\\b',
  '\\bab\\b',
  'a\\Bb',
  '\\B',
  '^\\b',
  '\\b$',
  '(?:^|-)a',
  'a(?:$|-)',
  '(?:^|b)a(?:c|$)',
  '^(?=.*[a-z])(?=.*\\d).{3,}$',
  '^(?!.*ab)',
  '(?!a)b',
  '^(?!a).',
  'a(?=b)',
  'a(?!b)',
  'a(?=b$)',
  '(?<=a)b',
  '(?<!a)b',
  '^(?<!a)b',
  '(?<=^|-)a',
  '(?:\\ba){2}',
  '(?:a|(?=b)){2}',
  'a?^b',
  'a?\\b-',
  '(?:a|-)?\\bb',
  '(?:^a?){2}b',
  '(?:a?b?)*$',
  '^(?:a|ab)(?:c|bcd)$',
  '(?=^a)a',
]
const FLAGGED = [
  ['i', 'aBc'],
  ['i', '[^a]'],
  ['i', '\\u212a|ß|ſ'],
  ['s', '^a.b$'],
  ['is', 'A.B'],
] as const
const REFUSED = [
  ['(a)\\1', 3, 'backreferences'],
  ['\\k<x>', 0, 'backreferences'],
  ['a)', 1, 'closes no group'],
  ['(a', 0, 'not closed'],
  ['[a', 0, 'not closed'],
  ['a**', 2, 'nothing to repeat'],
  ['*', 0, 'nothing to repeat'],
  ['a{2}{3}', 4, 'nothing to repeat'],
  ['a|{2,}b', 2, 'nothing to repeat'],
  ['a++', 2, 'nothing to repeat'],
  ['a{,3}', 1, 'begins with a number'],
  ['[[:alpha:]]', 1, 'POSIX'],
  ['[^_[:^digit:]-]', 3, 'POSIX'],
  ['a{3,2}', 1, 'out of order'],
  ['[b-a]', 1, 'out of order'],
  ['[\\w-a]', 1, 'one character'],
  ['\\A', 0, 'no escape'],
  ['\\Z', 0, 'no escape'],
  ['\\u{110000}', 0, 'no escape'],
  ['\\', 0, 'at the end'],
  ['\\p{Nothing}', 0, 'no such Unicode property'],
  ['\\p', 0, 'no such Unicode property'],
  ['^*', 0, 'assertion cannot be repeated'],
  ['(?i:a)', 0, 'not supported'],
  ['(?:a|^)*', 0, 'inside such a repetition'],
  ['(?<=ab)c', 0, 'further than one character'],
  ['a{100000}', 1, 'counts end'],
  ['('.repeat(200), 100, 'nested deeper'],
  ['a'.repeat(20_000), 0, 'the limit is 10000'],
  ['(?:(?:(?:^|a){30}){30}b){30}', 0, 'too complex'],
] as const

const texts = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom('a', 'b', 'c', '-', '1') },
      fc.constantFrom(...'\n\0\x08.@_/\\]A Bß ſKΩéΣ🐲\u2028\u0001B'),
      fc.string({ unit: 'binary', maxLength: 1 }),
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join('').replaceAll(/\p{Surrogate}/gu, ''))

describe('parseSearch and parseRegex', () => {
  it.each([...PATTERNS.map((pattern) => ['', pattern] as const), ...FLAGGED])(
    'flags "%s": %j accepts what the runtime does',
    (flags, pattern) => {
      const search = parseSearch(pattern, flags)
      const whole = parseRegex(pattern, flags)
      const [native, nativeWhole] = [new RegExp(pattern, `u${flags}`), new RegExp(`^(?:${pattern})$`, `u${flags}`)]
      const check = (text: string): void => {
        expect([text, textAccepts(search, text)]).toEqual([text, native.test(text)])
        expect([text, textAccepts(whole, text)]).toEqual([text, nativeWhole.test(text)])
      }
      for (const text of [
        '',
        'a',
        'b',
        'ab',
        'ba',
        'abc',
        'a-b',
        'aab',
        'a1b',
        'a\nb',
        'abab',
        '12-3',
        'ABC',
        'Ab',
        'a@b',
        '-',
        '🐲',
        'Ωa',
        '1a _-a',
      ])
        check(text)
      fc.assert(fc.property(texts, check), { seed: 7, numRuns: 150 })
    },
  )

  it.each(REFUSED)('%j is refused at %i: %s', (pattern, position, fact) => {
    let error: unknown
    try {
      parseSearch(pattern)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(PatternError)
    expect(error).toMatchObject({ pattern, position, message: expect.stringContaining(fact) })
  })

  it('flags that change what lines are, or that do not exist, are refused', () => {
    for (const flags of ['m', 'v', 'y', 'x']) expect(() => parseRegex('a', flags)).toThrow(`flag "${flags}"`)
  })

  it('a backslash before punctuation is that character, as other languages write it', () => {
    expect(textAccepts(parseRegex('\\_\\@\\-[\\w\\-\\@]'), '_@-@')).toBe(true)
  })
})
