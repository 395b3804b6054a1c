/**
 * Python's values, as templates see them. As in `../../json/value.ts` an `int` is a whole `number` or a `bigint`, and a
 * `float` a `number` with a fraction or a `JsonFloat`; `None` is null, a `str` is a string, a `list` an array.
 */
import { entriesOf, isJsonObject, JsonFloat } from '../../json/value.ts'
import { bare, characters, isSimple } from '../marks.ts'
import { PythonError, typeError } from './errors.ts'

export type Value =
  | null
  | boolean
  | string
  | number
  | bigint
  | JsonFloat
  | Value[]
  | Dict
  | Range
  | View
  | Iteration
  | Undefined
  | Callable
  | Namespace
  | PythonObject

export type Kwargs = ReadonlyMap<string, Value>

/** A name or a field that does not exist. It prints as nothing, is false and empty, and everything else with it fails. */
export class Undefined {
  constructor(
    readonly message: string,
    readonly errorName = 'UndefinedError',
  ) {}

  fail(): never {
    throw new PythonError(this.errorName, this.message)
  }
}

export class Tuple extends Array<Value> {
  /** Array methods make a list of a tuple. */
  static override get [Symbol.species]() {
    return Array
  }
}

export function tupleOf(items: Iterable<Value>): Tuple {
  const tuple = new Tuple()
  for (const item of items) tuple.push(item)
  return tuple
}

/** A `dict`. Keys are equal as Python's are: `1`, `1.0` and `True` are one key, and the first that was set is kept. */
export class Dict extends Map<Value, Value> {
  /** Keys that stand for another one in the map. */
  #spelled: Map<Value, Value> | undefined

  override get(key: Value): Value | undefined {
    return super.get(hashable(key))
  }

  override has(key: Value): boolean {
    return super.has(hashable(key))
  }

  override set(key: Value, value: Value): this {
    const canonical = hashable(key)
    if (canonical !== key && !super.has(canonical)) {
      this.#spelled ??= new Map()
      this.#spelled.set(canonical, key)
    }
    return super.set(canonical, value)
  }

  override *entries(): MapIterator<[Value, Value]> {
    for (const [key, value] of super.entries()) yield [this.#spelled?.get(key) ?? key, value]
  }

  override *keys(): MapIterator<Value> {
    for (const key of super.keys()) yield this.#spelled?.get(key) ?? key
  }

  override [Symbol.iterator](): MapIterator<[Value, Value]> {
    return this.entries()
  }

  static from(entries: Iterable<readonly [Value, Value]>): Dict {
    const dict = new Dict()
    for (const [key, value] of entries) dict.set(key, value)
    return dict
  }
}

/** One value for all keys that Python holds for equal. */
function hashable(key: Value): Value {
  if (typeof key === 'string') return bare(key)
  if (typeof key === 'boolean') return Number(key)
  if (key instanceof JsonFloat) return key.valueOf()
  if (key instanceof Tuple) return `\ufdd0(${key.map((item) => `${typeof hashable(item)} ${String(hashable(item))}`)})`
  if (Array.isArray(key) || key instanceof Dict || (key instanceof View && key.kind !== 'values'))
    throw typeError(`unhashable type: '${typeName(key)}'`)
  return key
}

export class Range {
  readonly length: number

  constructor(
    readonly start: number,
    readonly stop: number,
    readonly step: number,
  ) {
    this.length = Math.max(0, Math.ceil((stop - start) / step))
  }

  at(index: number): number {
    return this.start + index * this.step
  }

  *[Symbol.iterator](): Iterator<number> {
    for (let i = 0; i < this.length; i++) yield this.at(i)
  }
}

/** The result of `keys()`, `values()` and `items()` of a dict: no list, but it has a length. */
export class View {
  constructor(
    readonly dict: Dict,
    readonly kind: 'keys' | 'values' | 'items',
  ) {}

  *[Symbol.iterator](): Iterator<Value> {
    if (this.kind === 'keys') yield* this.dict.keys()
    else if (this.kind === 'values') yield* this.dict.values()
    else for (const entry of this.dict) yield tupleOf(entry)
  }
}

/** A generator: it can be walked once, is always true, and has no length. Python's filters give these. */
export class Iteration {
  readonly #iterator: Iterator<Value>

  constructor(items: Iterable<Value>) {
    this.#iterator = items[Symbol.iterator]()
  }

  [Symbol.iterator](): Iterator<Value> {
    // Leaving a loop early must not end the generator, as a return() of it would.
    return { next: () => this.#iterator.next() }
  }
}

export class Callable {
  constructor(
    readonly name: string,
    readonly call: (args: readonly Value[], kwargs: Kwargs) => Value,
    /** Attributes, for macros. */
    readonly attributes: ReadonlyMap<string, Value> = new Map(),
  ) {}
}

export class Namespace {
  constructor(readonly fields: Dict) {}
}

/** An object with attributes of its own: `loop`, `cycler`, `joiner`. */
export abstract class PythonObject {
  abstract readonly typeName: string

  /** undefined when it has no such attribute. */
  abstract attribute(name: string): Value | undefined

  call?(args: readonly Value[], kwargs: Kwargs): Value
  size?(): number
  repr?(): string
}

/** Plain data as templates get it. Strings and keys go through `map`. */
export function fromJson(value: unknown, map: (text: string) => string = (text) => text): Value {
  if (typeof value === 'string') return map(value)
  if (value === undefined || value === null) return null
  if (typeof value === 'boolean' || typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : new JsonFloat(value)
  if (value instanceof Number) return new JsonFloat(value.valueOf())
  if (Array.isArray(value)) return value.map((item) => fromJson(item, map))
  if (typeof value === 'function') return new Callable(value.name, (args) => fromJson(value(...args)))
  if (!isJsonObject(value)) throw typeError(`a ${typeof value} is no value for templates`)
  return Dict.from(entriesOf(value).map(([key, item]) => [map(key), fromJson(item, map)] as const))
}

export function isInt(value: unknown): value is number | bigint | boolean {
  return (
    (typeof value === 'number' && Number.isInteger(value)) || typeof value === 'bigint' || typeof value === 'boolean'
  )
}

export function isFloat(value: unknown): value is number | JsonFloat {
  return value instanceof JsonFloat || (typeof value === 'number' && !Number.isInteger(value))
}

export function isNumber(value: unknown): value is number | bigint | boolean | JsonFloat {
  return (
    typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint' || value instanceof JsonFloat
  )
}

export function typeName(value: Value): string {
  if (value === null) return 'NoneType'
  if (typeof value === 'string') return 'str'
  if (typeof value === 'boolean') return 'bool'
  if (isInt(value)) return 'int'
  if (isFloat(value)) return 'float'
  if (value instanceof Tuple) return 'tuple'
  if (Array.isArray(value)) return 'list'
  if (value instanceof Dict) return 'dict'
  if (value instanceof View) return `dict_${value.kind}`
  if (value instanceof Range) return 'range'
  if (value instanceof Iteration) return 'generator'
  if (value instanceof Callable) return value.attributes.size > 0 ? 'Macro' : 'function'
  return value instanceof PythonObject ? value.typeName : value.constructor.name
}

/** `value`, where `??` would take None for nothing. */
export function given<T>(value: T | undefined, otherwise: T): T {
  return value === undefined ? otherwise : value
}

/** `bool(value)` */
export function truth(value: Value): boolean {
  if (typeof value === 'boolean') return value
  if (value === null || value instanceof Undefined) return false
  if (typeof value === 'string') return value !== ''
  if (Array.isArray(value) || value instanceof Range) return value.length > 0
  if (value instanceof Dict) return value.size > 0
  if (value instanceof View) return value.dict.size > 0
  if (isNumber(value)) return Number(value) !== 0
  return !(value instanceof PythonObject && value.size?.() === 0)
}

/** `iter(value)`. @throws PythonError when there is nothing to walk */
export function iterate(value: Value): Iterable<Value> {
  if (typeof value === 'string') return characters(value)
  if (Array.isArray(value)) return value
  if (value instanceof Dict) return value.keys()
  if (value instanceof Range || value instanceof View || value instanceof Iteration) return value
  if (value instanceof Undefined) return []
  throw typeError(`'${typeName(value)}' object is not iterable`)
}

export function isIterable(value: Value): boolean {
  const sized = typeof value === 'string' || Array.isArray(value) || value instanceof Undefined
  return sized || value instanceof Dict || value instanceof Range || value instanceof View || value instanceof Iteration
}

/** `len(value)` */
export function length(value: Value): number {
  if (typeof value === 'string') return textLength(value)
  if (Array.isArray(value) || value instanceof Range) return value.length
  if (value instanceof Dict) return value.size
  if (value instanceof View) return value.dict.size
  if (value instanceof Undefined) return 0
  const size = value instanceof PythonObject ? value.size?.() : undefined
  if (size === undefined) throw typeError(`object of type '${typeName(value)}' has no len()`)
  return size
}

export function textLength(text: string): number {
  return isSimple(text) ? text.length : characters(text).length
}
