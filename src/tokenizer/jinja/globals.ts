/** The functions that every template can call. */
import { strftime } from '../strftime.ts'
import { bind } from './callables.ts'
import { PythonError, typeError, valueError } from './errors.ts'
import { index } from './numbers.ts'
import { str } from './printing.ts'
import { text } from './text-search.ts'
import { Callable, Dict, iterate, type Kwargs, Namespace, PythonObject, Range, tupleOf, type Value } from './values.ts'

/** The longest range that jinja2's sandbox allows. */
const MAX_RANGE = 100_000

/** The template refuses the conversation, in its own words. */
export class TemplateRefusal extends Error {
  override name = 'TemplateRefusal'
}

function range(args: readonly Value[], kwargs: Kwargs): Value {
  if (kwargs.size > 0) throw typeError('range() takes no keyword arguments')
  const [first, second, third] = args.map((arg) => index(arg))
  if (first === undefined || args.length > 3) throw typeError(`range expected 1 to 3 arguments, got ${args.length}`)
  if (third === 0) throw valueError('range() arg 3 must not be zero')
  const result = second === undefined ? new Range(0, first, 1) : new Range(first, second, third ?? 1)
  if (result.length <= MAX_RANGE) return result
  throw new PythonError(
    'OverflowError',
    `Range too big. The sandbox blocks ranges larger than MAX_RANGE (${MAX_RANGE}).`,
  )
}

function dict(args: readonly Value[], kwargs: Kwargs): Dict {
  const [source] = args
  if (args.length > 1) throw typeError(`dict expected at most 1 argument, got ${args.length}`)
  const result = new Dict()
  if (source instanceof Dict) for (const [key, value] of source) result.set(key, value)
  else if (source !== undefined) {
    for (const entry of iterate(source)) {
      const [key, value, ...rest] = iterate(entry)
      if (key === undefined || value === undefined || rest.length > 0) {
        throw valueError('dictionary update sequence element is no pair')
      }
      result.set(key, value)
    }
  }
  for (const [key, value] of kwargs) result.set(key, value)
  return result
}

class Cycler extends PythonObject {
  readonly typeName = 'Cycler'
  #at = 0

  constructor(private readonly items: readonly Value[]) {
    super()
    if (items.length === 0) throw new PythonError('RuntimeError', 'at least one item has to be provided')
  }

  attribute(name: string): Value | undefined {
    if (name === 'items') return tupleOf(this.items)
    if (name === 'pos') return this.#at
    if (name === 'current') return this.items[this.#at]
    if (name === 'reset') return new Callable(name, () => this.#go(0))
    if (name !== 'next') return undefined
    return new Callable(name, () => {
      const item = this.items[this.#at] as Value
      this.#go((this.#at + 1) % this.items.length)
      return item
    })
  }

  #go(place: number): null {
    this.#at = place
    return null
  }
}

class Joiner extends PythonObject {
  readonly typeName = 'Joiner'
  #used = false

  constructor(private readonly separator: Value) {
    super()
  }

  attribute(name: string): Value | undefined {
    return name === 'sep' ? this.separator : name === 'used' ? this.#used : undefined
  }

  override call(): Value {
    const first = !this.#used
    this.#used = true
    return first ? '' : this.separator
  }
}

type Function = (args: readonly Value[], kwargs: Kwargs) => Value

/** One argument, which may have its name. */
const one =
  (name: string, param: string, run: (value: Value | undefined) => Value): Function =>
  (args, kwargs) =>
    run(bind(name, param, args, kwargs)[0] as Value | undefined)

const FUNCTIONS: Readonly<Record<string, Function>> = {
  range,
  dict,
  namespace: (args, kwargs) => new Namespace(dict(args, kwargs)),
  cycler: (args) => new Cycler(args),
  joiner: one('joiner', 'sep?', (separator = ', ') => new Joiner(separator)),
  raise_exception: one('raise_exception', 'message', (message) => {
    throw new TemplateRefusal(str(message as Value))
  }),
  strftime_now: one('strftime_now', 'format', (format) => strftime(new Date(), text(format as Value))),
}

export const GLOBALS: ReadonlyMap<string, Value> = new Map(
  Object.entries(FUNCTIONS).map(([name, run]) => [name, new Callable(name, run)]),
)

/** Globals that jinja2 has and a template here cannot use: a random text, and the template itself. */
export const UNSUPPORTED_GLOBALS = ['lipsum', 'self']
