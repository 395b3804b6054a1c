/** jinja2's `loop`: what a loop knows about itself. */
import { equal } from './compare.ts'
import { typeError } from './errors.ts'
import { Callable, Iteration, iterate, length, PythonObject, tupleOf, Undefined, type Value } from './values.ts'

type Recurse = (items: Value, depth: number) => Value

export class Loop extends PythonObject {
  readonly typeName = 'LoopContext'
  #iterator: Iterator<Value>
  #length: number | undefined
  #index = -1
  #before: Value | undefined
  #current: Value | undefined
  /** The next item, when it was looked at already; null in place of the result when there is none. */
  #after: { value: Value } | null | undefined
  #changed: Value | undefined

  constructor(
    private readonly items: Value,
    private readonly depth: number,
    private readonly recurse: Recurse | undefined,
  ) {
    super()
    this.#iterator = iterate(items)[Symbol.iterator]()
  }

  /** The next item; undefined after the last. */
  next(): Value | undefined {
    const found = this.#peek()
    this.#after = undefined
    if (found === null) return undefined
    this.#index++
    this.#before = this.#current
    this.#current = found.value
    return found.value
  }

  #peek(): { value: Value } | null {
    if (this.#after !== undefined) return this.#after
    const { done, value } = this.#iterator.next()
    this.#after = done ? null : { value }
    return this.#after
  }

  override size(): number {
    if (this.#length !== undefined) return this.#length
    if (!(this.items instanceof Iteration)) this.#length = length(this.items)
    else {
      const rest = [...{ [Symbol.iterator]: () => this.#iterator }]
      this.#iterator = rest[Symbol.iterator]()
      this.#length = rest.length + this.#index + 1 + (this.#after ? 1 : 0)
    }
    return this.#length
  }

  override repr(): string {
    return `<LoopContext ${this.#index + 1}/${this.size()}>`
  }

  override call(args: readonly Value[]): Value {
    const [items] = args
    if (this.recurse === undefined) {
      throw typeError("The loop must have the 'recursive' marker to be called recursively.")
    }
    if (items === undefined || args.length > 1) throw typeError('loop() takes one argument')
    return this.recurse(items, this.depth + 1)
  }

  attribute(name: string): Value | undefined {
    const index = this.#index
    switch (name) {
      case 'index':
        return index + 1
      case 'index0':
        return index
      case 'revindex':
        return this.size() - index
      case 'revindex0':
        return this.size() - index - 1
      case 'first':
        return index === 0
      case 'last':
        return this.#peek() === null
      case 'length':
        return this.size()
      case 'depth':
        return this.depth + 1
      case 'depth0':
        return this.depth
      case 'previtem':
        return index === 0 ? new Undefined('there is no previous item') : this.#before
      case 'nextitem':
        return this.#peek() === null ? new Undefined('there is no next item') : this.#peek()!.value
      case 'cycle':
        return new Callable(name, (args) => this.#cycle(args))
      case 'changed':
        return new Callable(name, (args) => this.#hasChanged(tupleOf(args)))
      default:
        return undefined
    }
  }

  #cycle(args: readonly Value[]): Value {
    if (args.length === 0) throw typeError('no items for cycling given')
    return args[this.#index % args.length] as Value
  }

  #hasChanged(value: Value): boolean {
    const same = this.#changed !== undefined && equal(this.#changed, value)
    this.#changed = value
    return !same
  }
}
