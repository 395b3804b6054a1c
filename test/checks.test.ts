import { describe, expect, test } from 'vitest'
import * as checks from '../src/checks.ts'
import { ParameterError } from '../src/errors.ts'

describe('a check says what a value may be', () => {
  test.each<[string, checks.Check, unknown[], unknown[], string]>([
    ['flag', checks.flag, [true, false], [0, 'true', null], 'true or false'],
    ['integer', checks.integer(1, 3), [1, 3], [0, 4, 1.5, '1', 2n, Number.NaN], 'an integer from 1 to 3'],
    ['integer without end', checks.integer(0), [0, 2 ** 53 - 1], [-1, 2 ** 53, Infinity], 'an integer of at least 0'],
    ['named integer', checks.integer(0, 9, 'a token id'), [9], [10], 'a token id from 0 to 9'],
    ['number', checks.number(-1, 1), [-1, 0.5, 1], [1.01, Number.NaN, '0'], 'a number from -1 to 1'],
    ['numberAbove', checks.numberAbove(0, 1), [0.1, 1], [0, 1.1], 'a number above 0 and at most 1'],
    ['numberBelow', checks.numberBelow(0, 1), [0, 0.9], [1, -0.1], 'a number of at least 0 and below 1'],
    ['oneOf', checks.oneOf('a', 'b'), ['a', 'b'], ['c', 1, undefined], 'one of a, b'],
    ['text', checks.text, ['', 'a'], [1], 'a string'],
    ['filledText', checks.filledText, ['a'], ['', 1], 'a text that is not empty'],
    ['callback', checks.callback, [() => {}], ['x', {}], 'a function'],
    ['abortSignal', checks.abortSignal, [new AbortController().signal], [{}, null], 'an AbortSignal'],
    ['orElse', checks.orElse(null, checks.flag), [null, true], [undefined, 0], 'true or false'],
    ['checkedLater', checks.checkedLater, [undefined, 'anything'], [], ''],
  ])('%s', (_, judge, good, bad, allowed) => {
    for (const value of good) expect(judge(value)).toBeUndefined()
    for (const value of bad) expect(judge(value)).toEqual({ value, allowed })
  })

  test('of a list the item that is at fault, else the list', () => {
    const judge = checks.listOf(checks.integer(0), 2)
    expect(judge([1, 2])).toBeUndefined()
    expect(judge([1, -2])).toEqual({ value: -2, allowed: 'an integer of at least 0' })
    expect(judge([1, 2, 3])).toEqual({ value: [1, 2, 3], allowed: 'a list of at most 2 items' })
    expect(judge('ab')).toEqual({ value: 'ab', allowed: 'a list of at most 2 items' })
  })
})

describe('options', () => {
  interface Options {
    size?: number | undefined
    onDone?: (() => void) | undefined
  }
  const table: checks.Checks<Options> = { size: checks.integer(1, 9), onDone: checks.callback }
  const refusal = (options: unknown): unknown => {
    try {
      checks.checkOptions(options, table)
    } catch (error) {
      return error
    }
    return undefined
  }

  test('are taken when each is as its table says; undefined is an option that is not there', () => {
    for (const options of [{}, { size: 1 }, { size: undefined, onDone: () => {} }]) {
      expect(refusal(options)).toBeUndefined()
    }
  })

  test.each<[unknown, string, string]>([
    [{ size: 10 }, 'size', 'parameter "size" (10): must be an integer from 1 to 9'],
    [{ onDone: 'x' }, 'onDone', 'parameter "onDone" ("x"): must be a function'],
    [{ siez: 1 }, 'siez', 'parameter "siez" (1): is unknown; did you mean size?'],
    [{ colour: 1 }, 'colour', 'parameter "colour" (1): is unknown'],
    [{ toString: 1 }, 'toString', 'parameter "toString" (1): is unknown'],
    [null, 'options', 'parameter "options" (null): must be an object'],
    ['x', 'options', 'parameter "options" ("x"): must be an object'],
  ])('%j is refused by name', (options, parameter, message) => {
    const error = refusal(options)
    expect(error).toBeInstanceOf(ParameterError)
    expect(error).toMatchObject({ parameter, message })
  })
})
