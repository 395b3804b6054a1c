/** JSON against Python's own, and the shapes that values have in between. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { JsonSyntaxError, parseJson, tryParseJson } from '../../src/json/parse.ts'
import { type PythonJsonOptions, pythonFloat, pythonJson, pythonNumber } from '../../src/json/python.ts'
import { entriesOf, fieldOf, JsonFloat, JsonObject, plainJson } from '../../src/json/value.ts'

interface DumpsOptions {
  indent?: number | string
  sort_keys?: boolean
  separators?: [string, string]
  ensure_ascii?: boolean
}

const vectors = JSON.parse(
  gunzipSync(readFileSync(new URL('../fixtures/json/vectors.json.gz', import.meta.url))).toString('utf8'),
) as {
  options: Record<string, DumpsOptions>
  cases: { text: string; written: Record<string, string> }[]
  bad: string[]
}

function optionsOf({ indent, sort_keys, separators, ensure_ascii }: DumpsOptions): PythonJsonOptions {
  return {
    indent: typeof indent === 'number' ? ' '.repeat(indent) : indent,
    sortKeys: sort_keys,
    separators,
    ensureAscii: ensure_ascii,
  }
}

describe('against Python', () => {
  it.each(Object.entries(vectors.options))('values are read and written as there: %s', (name, options) => {
    const wrong = vectors.cases.filter((c) => pythonJson(parseJson(c.text), optionsOf(options)) !== c.written[name])
    expect(wrong.map(({ text }) => text)).toEqual([])
    expect(vectors.cases.length).toBeGreaterThan(300)
  })

  it('the same texts are no JSON', () => {
    for (const text of vectors.bad) expect(() => parseJson(text), text).toThrow(JsonSyntaxError)
    expect(vectors.bad.length).toBeGreaterThan(40)
  })

  it('what is written is read back as the same value, in process too', () => {
    for (const { text } of vectors.cases) {
      const written = pythonJson(parseJson(text))
      expect(pythonJson(structuredClone(parseJson(written)))).toBe(written)
    }
  })
})

describe('values', () => {
  it('are as plain as they can be', () => {
    expect(parseJson('{"a": [22, -7.5, "x", null, true], "b": {}}')).toStrictEqual({
      a: [22, -7.5, 'x', null, true],
      b: {},
    })
    expect(parseJson('12345678901234567890')).toBe(12345678901234567890n)
    expect(parseJson('22.0')).toEqual(new JsonFloat(22))
    expect(parseJson('-0')).toBe(0)
    expect(parseJson('{"a": 1, "7": 2}')).toEqual(
      new JsonObject([
        ['a', 1],
        ['7', 2],
      ]),
    )
  })

  it('of numbers given in process: whole ones are ints', () => {
    expect(pythonJson([22, 22.5, -0, 1e20, 1e21, 5n, new JsonFloat(22), 1e-7])).toBe(
      '[22, 22.5, 0, 100000000000000000000, 1e+21, 5, 22.0, 1e-07]',
    )
    expect(pythonNumber(Number.NaN)).toBe('nan')
    expect(pythonFloat(-0)).toBe('-0.0')
  })

  it('become JavaScript’s own where the difference does not matter', () => {
    const value = parseJson('{"t": 1.0, "seed": 12345678901234567890, "1": [1e5, {"__proto__": 3}]}')
    expect(JSON.stringify(plainJson(value))).toBe('{"1":[100000,{"__proto__":3}],"t":1,"seed":12345678901234567000}')
    expect(JSON.stringify(parseJson('{"2": 1.0, "1": [2]}'))).toBe('{"1":[2],"2":1}')
    expect(Object.getPrototypeOf(plainJson(parseJson('{"__proto__": {"x": 1}}')))).toBe(Object.prototype)
  })

  it('of both kinds of objects are walked alike', () => {
    for (const object of [parseJson('{"b": 1, "a": 2}'), parseJson('{"b": 1, "0": 2}')] as object[]) {
      expect(entriesOf(object).map(([, value]) => value)).toEqual([1, 2])
      expect(fieldOf(object, 'b')).toBe(1)
      expect(fieldOf(object, 'toString')).toBeUndefined()
    }
    expect(entriesOf({ a: undefined, b: 1 })).toEqual([['b', 1]])
  })

  it('that JSON does not hold are not written', () => {
    for (const value of [undefined, () => 1, Symbol('x'), new Date(), /x/, [undefined]]) {
      expect(() => pythonJson(value)).toThrow(TypeError)
    }
    const cycle: unknown[] = []
    cycle.push(cycle)
    expect(() => pythonJson(cycle)).toThrow('nested deeper')
  })
})

describe('limits', () => {
  it('nesting', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
    expect(pythonJson(parseJson(nested(64)))).toBe(nested(64))
    expect(() => parseJson(nested(66))).toThrow('values are nested deeper than 64 levels')
    expect(() => parseJson('{"a":'.repeat(1e6))).toThrow(JsonSyntaxError)
    expect(() => parseJson('['.repeat(9), { maxDepth: 4 })).toThrow('deeper than 4 levels')
  })

  it('digits of whole numbers, as in Python', () => {
    expect(pythonJson(parseJson('9'.repeat(4300)))).toBe('9'.repeat(4300))
    expect(() => parseJson('9'.repeat(4301))).toThrow('more than 4300 digits')
    expect(() => parseJson(`-${'9'.repeat(4301)}`)).toThrow('more than 4300 digits')
    expect(parseJson(`-${'9'.repeat(4300)}`)).toBe(-(10n ** 4300n - 1n))
  })

  it('numbers that are not finite, where they are not wanted', () => {
    expect(tryParseJson('[NaN]', { nonFinite: false })).toBeUndefined()
    expect(tryParseJson('[-Infinity]')).toEqual([new JsonFloat(Number.NEGATIVE_INFINITY)])
  })

  it('errors say where', () => {
    expect(() => parseJson('{"a": tru}')).toThrow('a value is expected (at character 6)')
    expect(() => parseJson('["a\nb"]')).toThrow('a string holds a bare control character (at character 3)')
    expect(() => parseJson('[1')).toThrow('"," or "]" is expected (at character 2)')
  })
})
