/**
 * jinja2's filters of lists and mappings. Those that give a generator there give an {@link Iteration}: it is true even when
 * it is empty, has no length, and can be walked once.
 */
import { Group, getItem } from './attributes.ts'
import { equal, ignoreCase, order, sorted } from './compare.ts'
import { limitError, PythonError, typeError, valueError } from './errors.ts'
import type { FilterInput, Filters } from './filter-types.ts'
import { index } from './numbers.ts'
import { binary, slice } from './operators.ts'
import { str } from './printing.ts'
import { join } from './text-methods.ts'
import {
  Dict,
  given,
  Iteration,
  isIterable,
  iterate,
  type Kwargs,
  length,
  type Tuple,
  truth,
  typeName,
  Undefined,
  type Value,
  View,
} from './values.ts'

type Optional = Value | undefined
type Getter = (item: Value) => Value

const yes = (flag: Optional) => flag !== undefined && truth(flag)

/** Looks up `a.b.0` in each item; without a name the item itself. */
function getter(attribute: Optional, { fold = false, otherwise = null as Value } = {}): Getter {
  const parts = attributeParts(attribute)
  return (item) => {
    let value: Value = item
    for (const part of parts) {
      value = getItem(value, part)
      if (otherwise !== null && value instanceof Undefined) value = otherwise
    }
    return fold ? ignoreCase(value) : value
  }
}

function attributeParts(attribute: Optional): Value[] {
  if ((attribute ?? null) === null) return []
  if (typeof attribute !== 'string') return [attribute as Value]
  return attribute.split('.').map((part) => (/^\p{Nd}+$/u.test(part) ? Number(part) : part))
}

/** By several attributes, with commas between them. */
function sortKey(attribute: Optional, fold: boolean): Getter {
  const names = typeof attribute === 'string' ? attribute.split(',') : [attribute]
  const getters = names.map((name) => getter(name, { fold }))
  return (item) => getters.map((get) => get(item))
}

function* mapped({ value, engine }: FilterInput, args: readonly Value[], kwargs: Kwargs): Generator<Value> {
  if (!truth(value)) return
  let change: Getter
  if (args.length === 0 && kwargs.has('attribute')) {
    for (const name of kwargs.keys()) {
      if (name !== 'attribute' && name !== 'default') throw typeError(`Unexpected keyword argument '${name}'`)
    }
    change = getter(kwargs.get('attribute'), { otherwise: kwargs.get('default') ?? null })
  } else {
    const [name, ...rest] = args
    if (name === undefined) throw typeError('map requires a filter argument')
    change = (item) => engine.filter(nameOf(name), item, rest, kwargs)
  }
  for (const item of iterate(value)) yield change(item)
}

function nameOf(name: Value): string {
  return name instanceof Undefined ? name.fail() : str(name)
}

/** `select`, `reject` and their twins that look at one attribute. */
const chooser = (wanted: boolean, byAttribute: boolean) =>
  function* chosen({ value, engine }: FilterInput, all: readonly Value[], kwargs: Kwargs): Generator<Value> {
    if (!truth(value)) return
    if (byAttribute && all.length === 0) throw typeError('Missing parameter for attribute name')
    const look = byAttribute ? getter(all[0]) : (item: Value) => item
    const [name, ...rest] = byAttribute ? all.slice(1) : all
    for (const item of iterate(value)) {
      const seen = look(item)
      const passes = name === undefined ? truth(seen) : engine.test(nameOf(name), seen, rest, kwargs)
      if (passes === wanted) yield item
    }
  }

type Walk = (input: FilterInput, args: readonly Value[], kwargs: Kwargs) => Iterable<Value>
const lazily = (walk: Walk): Filters[string] => [
  '*',
  (input, args: readonly Value[], kwargs: Kwargs) => new Iteration(walk(input, args, kwargs)),
]

function* uniqueItems(value: Value, caseSensitive: boolean, attribute: Optional): Generator<Value> {
  const get = getter(attribute, { fold: !caseSensitive })
  const seen = new Dict()
  for (const item of iterate(value)) {
    const key = get(item)
    if (seen.has(key)) continue
    seen.set(key, null)
    yield item
  }
}

function groups(value: Value, attribute: Value, otherwise: Optional, caseSensitive: boolean): Value {
  const get = getter(attribute, { fold: !caseSensitive, otherwise: otherwise ?? null })
  const shown = getter(attribute, { otherwise: otherwise ?? null })
  const result: Group[] = []
  let last: Value | undefined
  for (const item of sorted(iterate(value), get)) {
    const key = get(item)
    if (last === undefined || !equal(key, last)) result.push(Group.make(caseSensitive ? key : shown(item), []))
    ;(result.at(-1)![1] as Value[]).push(item)
    last = key
  }
  return result
}

/** `min` and `max`: the first of those that are the least, or the most. */
const extreme = (sign: number): Filters[string] => [
  'case_sensitive? attribute?',
  ({ value }, caseSensitive: Optional, attribute: Optional) => {
    const get = getter(attribute, { fold: !yes(caseSensitive) })
    let best: Value | undefined
    for (const item of iterate(value)) {
      if (best === undefined || order(get(item), get(best)) * sign < 0) best = item
    }
    return given(best, new Undefined('No aggregated item, sequence was empty.'))
  },
]

function* batches(value: Value, size: number, fill: Optional): Generator<Value> {
  let batch: Value[] = []
  for (const item of iterate(value)) {
    if (batch.length === size) {
      yield batch
      batch = []
    }
    batch.push(item)
  }
  if (batch.length === 0) return
  if ((fill ?? null) !== null) {
    if (size > 1 << 20) throw limitError('a batch has more than 1048576 items')
    while (batch.length < size) batch.push(fill as Value)
  }
  yield batch
}

function* slices(value: Value, count: number, fill: Optional): Generator<Value> {
  const items = [...iterate(value)]
  if (count === 0) throw new PythonError('ZeroDivisionError', 'integer division or modulo by zero')
  const [size, larger] = [Math.floor(items.length / count), ((items.length % count) + count) % count]
  let at = 0
  for (let i = 0; i < count; i++) {
    const next = at + size + (i < larger ? 1 : 0)
    const part = items.slice(at, next)
    if ((fill ?? null) !== null && i >= larger) part.push(fill as Value)
    yield part
    at = next
  }
}

function isReversible(value: Value): boolean {
  return isIterable(value) && !(value instanceof Iteration)
}

function reversed(value: Value): Value {
  if (typeof value === 'string') return slice(value, null, null, -1)
  if (!isIterable(value)) throw typeError('argument must be iterable')
  const items = [...iterate(value)].reverse()
  return isReversible(value) ? new Iteration(items) : items
}

function last(value: Value): Value {
  if (!isReversible(value)) throw typeError(`'${typeName(value)}' object is not reversible`)
  return given([...iterate(value)].at(-1), new Undefined('No last item, sequence was empty.'))
}

function dictSorted(value: Value, caseSensitive: boolean, by: Value, reverse: boolean): Value {
  if (!(value instanceof Dict)) throw typeError(`'${typeName(value)}' object has no attribute 'items'`)
  if (by !== 'key' && by !== 'value') throw valueError('You can only sort by either "key" or "value"')
  const at = by === 'key' ? 0 : 1
  const key = (entry: Value) => (entry as Tuple)[at] as Value
  return sorted(new View(value, 'items'), (entry) => (caseSensitive ? key(entry) : ignoreCase(key(entry))), reverse)
}

function total(value: Value, attribute: Optional, start: Value): Value {
  if (typeof start === 'string') throw typeError("sum() can't sum strings [use ''.join(seq) instead]")
  let sum: Value = start
  for (const item of iterate(value)) sum = binary('+', sum, getter(attribute)(item))
  return sum
}

function* itemsOf(value: Value): Generator<Value> {
  if (value instanceof Undefined) return
  if (!(value instanceof Dict)) throw typeError('Can only get item pairs from a mapping.')
  yield* new View(value, 'items')
}

export const SEQUENCE_FILTERS: Filters = {
  batch: [
    'linecount fill_with?',
    ({ value }, size: Value, fill: Optional) => new Iteration(batches(value, index(size), fill)),
  ],
  count: ['', ({ value }) => length(value)],
  dictsort: [
    'case_sensitive? by? reverse?',
    ({ value }, caseSensitive: Optional, by: Value = 'key', reverse: Optional) =>
      dictSorted(value, yes(caseSensitive), by, yes(reverse)),
  ],
  first: [
    '',
    ({ value }) => {
      const { value: item, done } = iterate(value)[Symbol.iterator]().next()
      return done ? new Undefined('No first item, sequence was empty.') : item
    },
  ],
  groupby: [
    'attribute default? case_sensitive?',
    ({ value }, attribute: Value, otherwise: Optional, caseSensitive: Optional) =>
      groups(value, attribute, otherwise, yes(caseSensitive)),
  ],
  items: ['', ({ value }) => new Iteration(itemsOf(value))],
  join: [
    'd? attribute?',
    ({ value }, separator: Value = '', attribute: Optional) =>
      join(str(separator), iterate(value), (item) => str(getter(attribute)(item))),
  ],
  last: ['', ({ value }) => last(value)],
  length: ['', ({ value }) => length(value)],
  list: ['', ({ value }) => [...iterate(value)]],
  map: lazily(mapped),
  max: extreme(-1),
  min: extreme(1),
  reject: lazily(chooser(false, false)),
  rejectattr: lazily(chooser(false, true)),
  reverse: ['', ({ value }) => reversed(value)],
  select: lazily(chooser(true, false)),
  selectattr: lazily(chooser(true, true)),
  slice: [
    'slices fill_with?',
    ({ value }, count: Value, fill: Optional) => new Iteration(slices(value, index(count), fill)),
  ],
  sort: [
    'reverse? case_sensitive? attribute?',
    ({ value }, reverse: Optional, caseSensitive: Optional, attribute: Optional) =>
      sorted(iterate(value), sortKey(attribute, !yes(caseSensitive)), yes(reverse)),
  ],
  sum: ['attribute? start?', ({ value }, attribute: Optional, start: Value = 0) => total(value, attribute, start)],
  unique: [
    'case_sensitive? attribute?',
    ({ value }, caseSensitive: Optional, attribute: Optional) =>
      new Iteration(uniqueItems(value, yes(caseSensitive), attribute)),
  ],
}
