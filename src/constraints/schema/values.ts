/** Which terms have a value at all, and which have only a few. */
import type { TextStates } from '../text-states.ts'
import { ArrayStates, type TermFacts } from './array-states.ts'
import { plainSpelling } from './decimal.ts'
import type { SchemaDocument } from './document.ts'
import type { Effort } from './error.ts'
import { SchemaError } from './error.ts'
import { numbersIn } from './numbers.ts'
import { ObjectStates } from './object-states.ts'
import type { Shape } from './shape.ts'
import { Shapes } from './shapes.ts'
import { isEmptyStrings } from './strings.ts'
import { isFalse, type Term } from './terms.ts'

/** More values than these are not told apart one by one. */
const FEW = 64
const MAX_DEPTH = 300

export class Values {
  readonly shapes: Shapes
  readonly facts: TermFacts
  readonly #states: TextStates
  readonly #known = new Map<string, boolean>()
  /** Terms that are just being looked at, with their places in the row. */
  readonly #open = new Map<string, number>()
  /** The first place in the row that an answer depends on. */
  #leans = Number.POSITIVE_INFINITY

  constructor(document: SchemaDocument, effort: Effort, states: TextStates, formats: boolean) {
    this.#states = states
    this.shapes = new Shapes(document, effort, states, { formats, isEmpty: (shape) => !this.#hasValue(shape) })
    this.facts = {
      has: (term) => this.has(term),
      values: (term) => this.#few(this.shapes.of(term)),
      constant: (value) => document.constant(value, '#'),
      choice: (terms) => document.choice(terms, '#'),
      spend: (steps, path) => effort.spend(steps, path),
    }
  }

  /**
   * Whether a term has a value. One that would need a value of itself has none by that; where its shape is just being
   * made, the answer is yes, which is no harm where it is asked.
   */
  has(term: Term): boolean {
    if (term.length === 0) return true
    if (isFalse(term)) return false
    const key = term.join()
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const open = this.#open.get(key)
    if (open !== undefined) {
      this.#leans = Math.min(this.#leans, open)
      return false
    }
    const place = this.#open.size
    if (place > MAX_DEPTH)
      throw new SchemaError(this.shapes.pathOf(term), `schemas lead into each other deeper than ${MAX_DEPTH}`)
    this.facts.spend(0.4, this.shapes.pathOf(term))
    const shape = this.shapes.tryOf(term)
    if (shape === undefined) {
      this.#leans = -1
      return true
    }
    const before = this.#leans
    this.#leans = Number.POSITIVE_INFINITY
    this.#open.set(key, place)
    try {
      const has = this.#hasValue(shape)
      // What leans on terms further out is only known when they are.
      if ((has && this.#leans >= 0) || this.#leans >= place) this.#known.set(key, has)
      return has
    } finally {
      this.#open.delete(key)
      this.#leans = Math.min(before, this.#leans >= place ? Number.POSITIVE_INFINITY : this.#leans)
    }
  }

  #hasValue(shape: Shape): boolean {
    return (
      shape.null ||
      shape.true ||
      shape.false ||
      shape.numbers.length > 0 ||
      !isEmptyStrings(shape.strings, this.#states) ||
      shape.arrays.some((set) => new ArrayStates(set, this.facts).some) ||
      shape.objects.some((set) => new ObjectStates(set, this.facts, this.#states).some)
    )
  }

  #few(shape: Shape): readonly unknown[] | undefined {
    const { strings, arrays, objects } = shape
    if (strings.values === undefined || arrays.length > 0 || objects.length > 0) return undefined
    const values: unknown[] = [
      ...(shape.null ? [null] : []),
      ...(shape.true ? [true] : []),
      ...(shape.false ? [false] : []),
      ...strings.values,
    ]
    for (const set of shape.numbers) {
      const numbers = numbersIn(set, FEW + 1)
      if (numbers === undefined) return undefined
      values.push(...numbers.map((number) => Number(plainSpelling(number))))
    }
    return values.length > FEW ? undefined : values
  }
}
