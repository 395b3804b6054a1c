/** jinja2's tests: what follows `is`. */
import type { Builtin } from './callables.ts'
import { contains, equal } from './compare.ts'
import { FILTERS } from './filters.ts'
import { binary, compare } from './operators.ts'
import { str } from './printing.ts'
import { classOf } from './unicode.ts'
import {
  Callable,
  Dict,
  isFloat,
  isInt,
  isIterable,
  isNumber,
  PythonObject,
  Range,
  Undefined,
  type Value,
} from './values.ts'

type Test = Builtin<Value>

const comparison = (op: '==' | '!=' | '<' | '<=' | '>' | '>='): Test => [
  'other',
  (value, other: Value) => compare(op, value, other),
]
const remainder = (value: Value, by: Value, rest: number) => equal(binary('%', value, by), rest)
const is = (test: (value: Value) => boolean): Test => ['', (value) => test(value)]

const named: Record<string, Test> = {
  boolean: is((value) => typeof value === 'boolean'),
  callable: is(
    (value) =>
      value instanceof Callable ||
      (value instanceof PythonObject && value.call !== undefined) ||
      value instanceof Undefined,
  ),
  defined: is((value) => !(value instanceof Undefined)),
  divisibleby: ['num', (value, num: Value) => remainder(value, num, 0)],
  eq: comparison('=='),
  escaped: is(() => false),
  even: is((value) => remainder(value, 2, 0)),
  false: is((value) => value === false),
  filter: is((value) => Object.hasOwn(FILTERS, str(value))),
  float: is(isFloat),
  ge: comparison('>='),
  gt: comparison('>'),
  in: ['seq', (value, seq: Value) => contains(seq, value)],
  integer: is((value) => isInt(value) && typeof value !== 'boolean'),
  iterable: is(isIterable),
  le: comparison('<='),
  lower: is((value) => classOf(str(value), 'lower')),
  lt: comparison('<'),
  mapping: is((value) => value instanceof Dict),
  ne: comparison('!='),
  none: is((value) => value === null),
  number: is(isNumber),
  odd: is((value) => remainder(value, 2, 1)),
  sameas: ['other', (value, other: Value) => value === other],
  sequence: is(
    (value) =>
      typeof value === 'string' ||
      Array.isArray(value) ||
      value instanceof Dict ||
      value instanceof Range ||
      value instanceof Undefined,
  ),
  string: is((value) => typeof value === 'string'),
  test: is((value) => Object.hasOwn(TESTS, str(value))),
  true: is((value) => value === true),
  undefined: is((value) => value instanceof Undefined),
  upper: is((value) => classOf(str(value), 'upper')),
}

const ALIASES = '== eq equalto eq != ne > gt greaterthan gt >= ge < lt lessthan lt <= le'.split(' ')

export const TESTS: Readonly<Record<string, Test>> = {
  ...named,
  ...Object.fromEntries(
    ALIASES.flatMap((name, i) => (i % 2 === 0 ? [[name, named[ALIASES[i + 1] as string] as Test]] : [])),
  ),
}
