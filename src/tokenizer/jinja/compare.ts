/** Python's `==`, `<` and `in`: by value, and never between a text and a number. */
import { compareText } from '../../json/python.ts'
import { bare, MARK } from '../marks.ts'
import { typeError } from './errors.ts'
import { str } from './printing.ts'
import { Dict, isIterable, isNumber, iterate, Range, Tuple, typeName, Undefined, type Value, View } from './values.ts'

/** As a primitive that JavaScript compares exactly, also a bigint with a double. */
export function primitive(value: Value): number | bigint {
  return typeof value === 'bigint' ? value : Number(value)
}

export function equal(a: Value, b: Value): boolean {
  if (a === b) return true
  if (typeof a === 'string') return typeof b === 'string' && sameText(a, b)
  if (isNumber(a)) {
    // biome-ignore lint/suspicious/noDoubleEquals: a bigint and a double that are the same number are equal.
    return isNumber(b) && primitive(a) == primitive(b)
  }
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length || a instanceof Tuple !== b instanceof Tuple) return false
    return a.every((item, i) => equal(item, b[i] as Value))
  }
  if (a instanceof Dict) return b instanceof Dict && a.size === b.size && sameEntries(a, b)
  if (a instanceof Range) return b instanceof Range && equal([...a], [...b])
  return a instanceof Undefined && b instanceof Undefined
}

function sameText(a: string, b: string): boolean {
  return (a.includes(MARK) || b.includes(MARK)) && bare(a) === bare(b)
}

function sameEntries(a: Dict, b: Dict): boolean {
  for (const [key, value] of a) {
    const other = b.get(key)
    if (other === undefined || !equal(value, other)) return false
  }
  return true
}

/** A number below 0, 0 or above it. @throws PythonError for what has no order */
export function order(a: Value, b: Value, operator = '<'): number {
  if (isNumber(a) && isNumber(b)) {
    const [x, y] = [primitive(a), primitive(b)]
    return x < y ? -1 : x > y ? 1 : x === y || x <= y ? 0 : Number.NaN
  }
  if (typeof a === 'string' && typeof b === 'string') return a === b ? 0 : compareText(bare(a), bare(b))
  if (Array.isArray(a) && Array.isArray(b) && a instanceof Tuple === b instanceof Tuple) {
    for (let i = 0; i < a.length && i < b.length; i++) {
      if (!equal(a[i] as Value, b[i] as Value)) return order(a[i] as Value, b[i] as Value, operator)
    }
    return a.length - b.length
  }
  for (const side of [a, b]) if (side instanceof Undefined) side.fail()
  throw typeError(`'${operator}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`)
}

/** `item in container` */
export function contains(container: Value, item: Value): boolean {
  if (typeof container === 'string') {
    if (typeof item === 'string') return bare(container).includes(bare(item))
    throw typeError(`'in <string>' requires string as left operand, not ${typeName(item)}`)
  }
  if (container instanceof Dict) return container.has(item)
  if (container instanceof View && container.kind === 'keys') return container.dict.has(item)
  if (!isIterable(container)) throw typeError(`argument of type '${typeName(container)}' is not iterable`)
  for (const member of iterate(container)) if (equal(member, item)) return true
  return false
}

/** `sorted(items, key=key)` */
export function sorted(items: Iterable<Value>, key: (item: Value) => Value, reverse = false): Value[] {
  const keyed = Array.from(items, (item) => ({ item, key: key(item) }))
  // Python keeps the order of equal items when it sorts in reverse, too.
  keyed.sort((a, b) => (reverse ? order(b.key, a.key) : order(a.key, b.key)))
  return keyed.map(({ item }) => item)
}

/** The key by which filters compare texts unless they are told to heed case. */
export function ignoreCase(value: Value): Value {
  return typeof value === 'string' ? str(value).toLowerCase() : value
}
