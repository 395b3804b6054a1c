/** Python's operators on values of any type, indices, and slices. */

import { characters, isSimple } from '../marks.ts'
import type { BinaryOperator, CompareOperator } from './ast.ts'
import { contains, equal, order } from './compare.ts'
import { limitError, PythonError, typeError, valueError } from './errors.ts'
import { percentFormat } from './format.ts'
import { arithmetic, index } from './numbers.ts'
import { Dict, isInt, isNumber, Range, Tuple, tupleOf, typeName, Undefined, type Value } from './values.ts'

/** The longest text, in UTF-16 units, that a template may make. */
const MAX_TEXT = 1 << 26
const MAX_ITEMS = 1 << 20

/** A text of at most 2²⁶ units. @throws PythonError */
export function checkedText(text: string): string {
  checkSize(text.length)
  return text
}

/** For texts that are about to be made. */
export function checkSize(length: number): void {
  if (length > MAX_TEXT) throw limitError(`a text is longer than ${MAX_TEXT} characters`)
}

export function binary(op: BinaryOperator, a: Value, b: Value): Value {
  if (isNumber(a) && isNumber(b)) return arithmetic(op, a, b)
  if (typeof a === 'string' && op === '%') return checkedText(percentFormat(a, b))
  for (const side of [a, b]) if (side instanceof Undefined) side.fail()
  if (op === '+') {
    if (typeof a === 'string' && typeof b === 'string') return checkedText(a + b)
    if (Array.isArray(a) && Array.isArray(b) && a instanceof Tuple === b instanceof Tuple) {
      if (a.length + b.length > MAX_ITEMS) throw limitError(`a list has more than ${MAX_ITEMS} items`)
      return a instanceof Tuple ? tupleOf([...a, ...b]) : [...a, ...b]
    }
    if (typeof a === 'string') throw typeError(`can only concatenate str (not "${typeName(b)}") to str`)
  }
  if (op === '*' && isInt(b)) return repeated(a, index(b)) ?? unsupported(op, a, b)
  if (op === '*' && isInt(a)) return repeated(b, index(a)) ?? unsupported(op, a, b)
  return unsupported(op, a, b)
}

function unsupported(op: string, a: Value, b: Value): never {
  throw typeError(`unsupported operand type(s) for ${op}: '${typeName(a)}' and '${typeName(b)}'`)
}

function repeated(value: Value, times: number): Value | undefined {
  const count = Math.max(0, times)
  if (count === Number.MAX_SAFE_INTEGER) throw new PythonError('OverflowError', 'a count is too large')
  if (typeof value === 'string') {
    checkSize(value.length * count)
    return value.repeat(count)
  }
  if (!Array.isArray(value)) return undefined
  if (value.length * count > MAX_ITEMS) throw limitError(`a list has more than ${MAX_ITEMS} items`)
  const items = Array.from({ length: value.length === 0 ? 0 : count }, () => [...value]).flat()
  return value instanceof Tuple ? tupleOf(items) : items
}

export function compare(op: CompareOperator, a: Value, b: Value): boolean {
  switch (op) {
    case '==':
      return equal(a, b)
    case '!=':
      return !equal(a, b)
    case 'in':
      return contains(b, a)
    case 'not in':
      return !contains(b, a)
    case '<':
      return order(a, b, op) < 0
    case '<=':
      return order(a, b, op) <= 0
    case '>':
      return order(a, b, op) > 0
    default:
      return order(a, b, op) >= 0
  }
}

/** `object[key]`; undefined where Python raises a TypeError or a LookupError, which jinja2 takes for a missing item. */
export function itemOf(object: Value, key: Value): Value | undefined {
  if (object instanceof Undefined) object.fail()
  if (object instanceof Dict) {
    return Array.isArray(key) && !(key instanceof Tuple) ? undefined : object.get(key)
  }
  if (!isInt(key)) return undefined
  const at = index(key)
  if (typeof object === 'string') {
    if (isSimple(object)) return object[at < 0 ? object.length + at : at]
    return characters(object).at(at)
  }
  if (Array.isArray(object)) return object.at(at)
  if (!(object instanceof Range)) return undefined
  const place = at < 0 ? object.length + at : at
  return place >= 0 && place < object.length ? object.at(place) : undefined
}

/** `object[start:stop:step]`. @throws PythonError where there is nothing to slice */
export function slice(object: Value, start: Value, stop: Value, step: Value): Value {
  if (object instanceof Undefined) object.fail()
  const [from, to, by] = [start, stop, step].map((part) => (part === null ? undefined : index(part, 'slice indices')))
  if (by === 0) throw valueError('slice step cannot be zero')
  if (typeof object === 'string') {
    if (isSimple(object) && (by ?? 1) === 1) return object.slice(from ?? 0, to)
    return sliced(isSimple(object) ? object.split('') : characters(object), from, to, by).join('')
  }
  if (object instanceof Range) return slicedRange(object, from, to, by)
  if (object instanceof Tuple) return tupleOf(sliced([...object], from, to, by))
  if (Array.isArray(object)) return sliced(object, from, to, by)
  throw typeError(`'${typeName(object)}' object is not subscriptable`)
}

function sliced<T>(items: readonly T[], from?: number, to?: number, by = 1): T[] {
  if (by === 1) return items.slice(from ?? 0, to)
  const { start, stop } = bounds(items.length, from, to, by)
  const result: T[] = []
  for (let i = start; by > 0 ? i < stop : i > stop; i += by) result.push(items[i] as T)
  return result
}

function slicedRange(range: Range, from?: number, to?: number, by = 1): Range {
  const { start, stop } = bounds(range.length, from, to, by)
  return new Range(range.at(start), range.at(stop), range.step * by)
}

/** Does what `slice.indices` of Python does. */
function bounds(length: number, from: number | undefined, to: number | undefined, by: number) {
  const [low, high] = by > 0 ? [0, length] : [-1, length - 1]
  const place = (at: number) => Math.max(low, Math.min(high, at < 0 ? at + length : at))
  return {
    start: from === undefined ? (by > 0 ? low : high) : place(from),
    stop: to === undefined ? (by > 0 ? high : low) : place(to),
  }
}
