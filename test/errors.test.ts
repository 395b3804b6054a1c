import { describe, expect, test } from 'vitest'
import { ParameterError } from '../src/errors.ts'

describe('the value in the message of an error', () => {
  const shown = (value: unknown) => /\((.*)\): is bad$/s.exec(new ParameterError('p', value, 'is bad').message)![1]!

  test.each<[unknown, string]>([
    [undefined, 'undefined'],
    [null, 'null'],
    [Number.NaN, 'NaN'],
    [-0.5, '-0.5'],
    [12n, '12n'],
    ['a "text"', '"a \\"text\\""'],
    [[1, [2, { a: 'b', c: null }]], '[1,[2,{"a":"b","c":null}]]'],
    [{ a: undefined, b: [undefined] }, '{"b":[null]}'],
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    [[1n], '[object Array]'],
  ])('%o is shown as JSON has it', (value, text) => {
    expect(shown(value)).toBe(text)
  })

  test.each<[string, unknown]>([
    ['a list', Array.from({ length: 200 }, (_, i) => i)],
    ['lists', Array.from({ length: 200 }, (_, i) => [i, [i], [], {}])],
    ['fields', Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`f${i}`, { i }]))],
    ['a text', 'é"'.repeat(100)],
    ['eighty digits', '1'.repeat(80)],
  ])('%s: the beginning of its JSON', (_, value) => {
    expect(shown(value)).toBe(`${JSON.stringify(value).slice(0, 77)}...`)
  })

  test('what ends at the limit is whole', () => {
    expect(shown('1'.repeat(78))).toBe(`"${'1'.repeat(78)}"`)
  })

  test('a cycle, or a list in a list in a list, is no trouble', () => {
    const cyclic: unknown[] = []
    cyclic.push(cyclic)
    expect(shown(cyclic)).toBe(`${'['.repeat(77)}...`)
    let deep: unknown = 1
    for (let i = 0; i < 100_000; i++) deep = [deep]
    expect(shown(deep)).toBe(`${'['.repeat(77)}...`)
  })

  test('nothing of a large value is read beyond what is shown', () => {
    const list = Array.from({ length: 1000 }, (_, i) => i)
    Object.defineProperty(list, 500, {
      get: () => {
        throw new Error('was read')
      },
    })
    expect(shown(list)).toMatch(/^\[0,1,2.*\.\.\.$/)
  })
})
