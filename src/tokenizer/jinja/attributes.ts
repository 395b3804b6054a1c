/**
 * `object.name` and `object[key]` as jinja2's immutable sandbox looks them up: a dot finds a method before a key, brackets
 * find a key before a method, and what changes a value or begins with an underscore is out of reach.
 */
import { type Builtin, callBuiltin } from './callables.ts'
import { equal } from './compare.ts'
import { limitError, typeError, valueError } from './errors.ts'
import { braceFormat } from './format.ts'
import { index, toInt } from './numbers.ts'
import { itemOf } from './operators.ts'
import { repr } from './printing.ts'
import { TEXT_METHODS } from './text-methods.ts'
import { text } from './text-search.ts'
import {
  Callable,
  Dict,
  given,
  isFloat,
  isInt,
  iterate,
  type Kwargs,
  Namespace,
  PythonObject,
  Range,
  Tuple,
  typeName,
  Undefined,
  type Value,
  View,
} from './values.ts'

type Optional = Value | undefined
type Methods<T> = Readonly<Record<string, Builtin<T>>>

const SEQUENCE_METHODS: Methods<readonly Value[]> = {
  count: ['value', (items, value: Value) => items.filter((item) => equal(item, value)).length],
  index: ['value start? stop?', indexOf],
}
const LIST_METHODS: Methods<readonly Value[]> = { ...SEQUENCE_METHODS, copy: ['', (items) => [...items]] }
const DICT_METHODS: Methods<Dict> = {
  copy: ['', (dict) => Dict.from(dict)],
  fromkeys: [
    'keys value?',
    (_, keys: Value, value: Optional) => Dict.from(Array.from(iterate(keys), (key) => [key, value ?? null])),
  ],
  get: ['key default?', (dict, key: Value, otherwise: Value = null) => given(dict.get(key), otherwise)],
  items: ['', (dict) => new View(dict, 'items')],
  keys: ['', (dict) => new View(dict, 'keys')],
  values: ['', (dict) => new View(dict, 'values')],
}
const CHANGES_LIST = 'append clear extend insert pop remove reverse sort'.split(' ')
const CHANGES_DICT = 'clear pop popitem setdefault update'.split(' ')
/** Of numbers, where this engine has no use for the rest. */
const NUMBER_METHODS: Methods<Value> = {
  conjugate: ['', (value) => value],
  bit_length: ['', (value) => (toInt(value) === 0 ? 0 : BigInt(toInt(value)).toString(2).replace('-', '').length)],
  is_integer: ['', (value) => Number.isInteger(Number(value))],
}

/** A tuple of `groupby`: its parts have names. */
export class Group extends Tuple {
  static make(grouper: Value, list: Value[]): Group {
    const group = new Group()
    group.push(grouper, list)
    return group
  }
}

/** `object.name` */
export function getAttribute(object: Value, name: string): Value {
  const found = attribute(object, name)
  const value = found === undefined ? itemOf(object, name) : found
  return value === undefined ? missing(object, name) : value
}

/** `object[key]`, when the key is no slice */
export function getItem(object: Value, key: Value): Value {
  const item = itemOf(object, key)
  const found = item === undefined && typeof key === 'string' ? attribute(object, key) : item
  return found === undefined ? missing(object, key) : found
}

/** Finds what Python's `getattr` finds; undefined when there is no such attribute. */
export function attribute(object: Value, name: string): Value | undefined {
  if (object instanceof Undefined) return /^__\w*__$/.test(name) ? undefined : object.fail()
  const unsafe = () =>
    new Undefined(`access to attribute '${name}' of '${typeName(object)}' object is unsafe.`, 'SecurityError')
  if (/^__\w+__$/.test(name)) return unsafe()
  if (typeof object === 'string') return textAttribute(object, name)
  if (object instanceof Group && (name === 'grouper' || name === 'list')) return object[name === 'list' ? 1 : 0]
  if (object instanceof Tuple) return method(SEQUENCE_METHODS, object as readonly Value[], name)
  if (Array.isArray(object)) return CHANGES_LIST.includes(name) ? unsafe() : method(LIST_METHODS, object, name)
  if (object instanceof Dict) return CHANGES_DICT.includes(name) ? unsafe() : method(DICT_METHODS, object, name)
  if (object instanceof Namespace)
    return name[0] === '_' && object.fields.has(name) ? unsafe() : object.fields.get(name)
  if (object instanceof Range) return rangeAttribute(object, name)
  if (object instanceof Callable) return object.attributes.get(name)
  if (object instanceof PythonObject) return object.attribute(name)
  if (isInt(object) || isFloat(object)) return numberAttribute(object, name)
  return undefined
}

function method<T extends Value | readonly Value[]>(methods: Methods<T>, self: T, name: string): Value | undefined {
  if (!Object.hasOwn(methods, name)) return undefined
  const builtin = methods[name] as Builtin<T>
  return new Callable(name, (args, kwargs) => callBuiltin(name, builtin, self, args, kwargs))
}

function textAttribute(object: string, name: string): Value | undefined {
  if (name !== 'format' && name !== 'format_map') return method(TEXT_METHODS, object, name)
  const lookup = (value: Value, part: string, isAttribute: boolean) =>
    isAttribute ? getAttribute(value, part) : getItem(value, /^\d+$/.test(part) ? Number(part) : part)
  return new Callable(name, (args, kwargs) => {
    if (name === 'format') return braceFormat(object, args, kwargs, lookup)
    const [values] = args
    if (!(values instanceof Dict)) throw typeError('format_map() takes exactly one argument, a mapping')
    return braceFormat(object, [], values as unknown as Kwargs, lookup)
  })
}

function rangeAttribute(range: Range, name: string): Value | undefined {
  if (name === 'start' || name === 'stop' || name === 'step') return range[name]
  return method(SEQUENCE_METHODS, [...range] as readonly Value[], name)
}

function numberAttribute(value: Value, name: string): Value | undefined {
  if (name === 'real' || (name === 'numerator' && isInt(value)))
    return typeof value === 'boolean' ? Number(value) : value
  if (name === 'imag') return 0
  if (name === 'denominator' && isInt(value)) return 1
  if (/^(?:as_integer_ratio|bit_count|from_bytes|to_bytes|hex|fromhex)$/.test(name)) {
    return new Callable(name, () => {
      throw limitError(`${typeName(value)}.${name} is not supported`)
    })
  }
  return name === 'is_integer' && isInt(value) ? undefined : method(NUMBER_METHODS, value, name)
}

function indexOf(items: readonly Value[], value: Value, start?: Value, stop?: Value): Value {
  const place = (at: Value | undefined, otherwise: number) =>
    at === undefined ? otherwise : Math.max(0, index(at) < 0 ? index(at) + items.length : index(at))
  for (let i = place(start, 0); i < Math.min(items.length, place(stop, items.length)); i++) {
    if (equal(items[i] as Value, value)) return i
  }
  throw valueError(`${repr(value)} is not in list`)
}

function missing(object: Value, key: Value): Undefined {
  const type = object === null ? 'None' : `${typeName(object)} object`
  if (typeof key !== 'string') return new Undefined(`${type} has no element ${repr(key)}`)
  return new Undefined(`'${type}' has no attribute '${text(key)}'`)
}
