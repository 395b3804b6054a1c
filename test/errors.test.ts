/** Errors: what their messages show of values, and how they travel as plain data. */
import { describe, expect, test } from 'vitest'
import * as errors from '../src/errors.ts'
import { MistralError, ParameterError } from '../src/errors.ts'

describe('the value in the message of an error', () => {
  const shown = (value: unknown) => /\((.*)\): is bad$/s.exec(new ParameterError('p', value, 'is bad').message)![1]!

  test.each<[unknown, string]>([
    [undefined, 'undefined'],
    [null, 'null'],
    [Number.NaN, 'NaN'],
    [-0.5, '-0.5'],
    [12n, '12'],
    ['a "text"', '"a \\"text\\""'],
    [[1, [2, { a: 'b', c: null }]], '[1,[2,{"a":"b","c":null}]]'],
    [{ a: undefined, b: [undefined] }, '{"b":[null]}'],
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    [[1n, { a: -(2n ** 70n) }], '[1,{"a":-1180591620717411303424}]'],
    [{ a: new Number(1.5) }, '{"a":1.5}'],
    [new Map([['b', [1]]]), '{"b":[1]}'],
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

describe('an error as plain data', () => {
  const cause = new errors.CheckpointError({ file: 'model.safetensors', tensor: 'norm' }, 'is cut off')
  const all: MistralError[] = [
    new MistralError('something'),
    cause,
    new errors.ChoiceError('owner/name', 'holds several models', [{ name: 'a.gguf', bytes: 5 }]),
    new errors.StorageError('model.gguf', 100, 40),
    new errors.ConfigError('head_dim', 7, 'must be even'),
    new errors.ParameterError('top_p', 2, 'must be at most 1', { cause }),
    new errors.ConstraintError('states', 'has too many states'),
    new errors.SchemaError('#/items', 'must be an object'),
    new errors.PatternError('a(', 2, 'is not closed'),
    new errors.GrammarError('root ::=\n  (', 11, 'is not closed'),
    new errors.NoTokenLeftError('none'),
    new errors.QueueFullError(3, 3),
    new errors.TokenizerError('no such id'),
    new errors.ChatTemplateError('does not parse'),
    new errors.ConversationError('roles must alternate'),
    new errors.ContextLengthError(9, 8),
    new errors.DeviceError('no adapter'),
    new errors.SelfTestError('llvmpipe: matmul is off by 3'),
    new errors.DeviceLostError('unknown', 'gone'),
    new errors.MemoryError('the model', 9, undefined),
    new errors.SavedCacheError('damaged', 'it ends 3 bytes too early'),
    new errors.AbortError(new DOMException('stopped', 'AbortError')),
    new errors.ListenError('127.0.0.1', 80, 'not allowed', { cause: new TypeError('why') }),
  ]

  test('every class of errors.ts is among those tested', () => {
    const classes = Object.values(errors).filter((value) => value?.prototype instanceof Error)
    expect(new Set(all.map((error) => error.constructor))).toEqual(new Set(classes))
  })

  for (const error of all) {
    test(`${error.name} keeps class and fields across postMessage and JSON`, () => {
      for (const json of [structuredClone(error.toJSON()), JSON.parse(JSON.stringify(error))]) {
        const again = MistralError.fromJSON(json)
        expect(again.constructor).toBe(error.constructor)
        expect({ ...again, message: again.message, cause: undefined }).toEqual({
          ...error,
          message: error.message,
          cause: undefined,
        })
        expect((again.cause as Error | undefined)?.message).toBe((error.cause as Error | undefined)?.message)
        expect(again.cause instanceof MistralError).toBe(error.cause instanceof MistralError)
      }
    })
  }

  test('a value that cannot travel is told as messages tell it', () => {
    const again = MistralError.fromJSON(structuredClone(new ParameterError('stopWhen', () => true, 'bad').toJSON()))
    expect(again).toBeInstanceOf(ParameterError)
    expect((again as ParameterError).value).toBe('() => true')
    const big = MistralError.fromJSON(JSON.parse(JSON.stringify(new ParameterError('seed', 2n ** 70n, 'too large'))))
    expect((big as ParameterError).value).toBe(String(2n ** 70n))
  })

  test('of an unknown class is a MistralError with its name', () => {
    const again = MistralError.fromJSON({ name: 'NewerError', message: 'from a newer version', detail: 1 })
    expect(again.constructor).toBe(MistralError)
    expect(again).toMatchObject({ name: 'NewerError', detail: 1 })
  })
})
