/** The states of an array that is being written: how many items there are, and what of `contains` and `uniqueItems` they fulfil. */

import { SchemaError } from './error.ts'
import { keyOf } from './plain-schema.ts'
import type { ArraySet, Contains } from './sets.ts'
import { bothTerms, isFalse, otherTerms, type Term } from './terms.ts'

const MORE = Number.POSITIVE_INFINITY
/** Counts up to which `contains` is followed together with other counts. */
const MOST_COUNTED = 500

/** What states need to know of terms. */
export interface TermFacts {
  /** Whether a term has a value. */
  readonly has: (term: Term) => boolean
  /** All values of a term that has a few; undefined otherwise. */
  readonly values: (term: Term) => readonly unknown[] | undefined
  readonly constant: (value: unknown) => Term
  readonly choice: (terms: readonly Term[]) => Term
  readonly spend: (steps: number, path: string) => void
}

export interface ArrayState {
  readonly index: number
  /** Items of each `contains`. */
  readonly counts: readonly number[]
  /** Items so far as keys, in order, where no two may be equal. */
  readonly seen: readonly string[]
}

export interface Item {
  readonly term: Term
  readonly state: ArrayState
}

export class ArrayStates {
  readonly start: ArrayState
  readonly #set: ArraySet
  readonly #facts: TermFacts
  readonly #unique: boolean
  readonly #max: number
  /** From this index on all places are alike. */
  readonly #settled: number
  readonly #finishes = new Map<string, boolean>()
  readonly #keys = new Map<Term, readonly string[]>()

  /** @throws SchemaError for what cannot be followed */
  constructor(set: ArraySet, facts: TermFacts) {
    this.#set = set
    this.#facts = facts
    const { prefix, min, contains } = set
    const shut = [...prefix, set.rest].findIndex((term, i) => i < set.max && !facts.has(term))
    this.#max = shut < 0 ? set.max : Math.min(set.max, shut)
    this.#settled = Math.max(prefix.length, min, ...contains.map(({ from }) => from))
    this.#unique = set.unique !== undefined && !this.#isUniqueAnyway()
    if (this.#unique) this.#refuseManyValues()
    const counted = this.#max === MORE ? this.#settled : this.#max
    const most = Math.max(counted, ...contains.map(({ min, max }) => (max === MORE ? min : max)))
    if (contains.length > 0 && most > MOST_COUNTED) {
      throw new SchemaError(set.path, `contains is not supported with counts over ${MOST_COUNTED}`)
    }
    this.start = { index: 0, counts: contains.map(() => 0), seen: [] }
  }

  /** Whether some array is in the set. */
  get some(): boolean {
    return this.#canFinish(this.start)
  }

  key({ index, counts, seen }: ArrayState): string {
    return `${index};${counts};${[...seen].sort()}`
  }

  accepts({ index, counts }: ArrayState): boolean {
    return index >= this.#set.min && index <= this.#max && this.#set.contains.every(({ min }, i) => counts[i]! >= min)
  }

  /** What the next item may be; only what an array can still be finished after. */
  next(state: ArrayState): Item[] {
    return this.#next(state).filter((item) => this.#canFinish(item.state))
  }

  /** Every term that some item may be of. */
  terms(): Term[] {
    const { prefix, rest, contains } = this.#set
    const places = [...prefix, rest].slice(0, this.#max)
    const { values, constant } = this.#facts
    const bases = this.#unique ? places.flatMap((base) => values(base)!.map(constant)) : places
    this.#facts.spend(bases.length * (3 ** contains.length - 1), this.#set.path)
    return bases.flatMap((base) => {
      let terms: Term[] = [base]
      for (const { term, max } of contains) {
        const other = max === MORE ? [] : [this.#facts.choice(otherTerms(term))]
        terms = terms.flatMap((one) => [one, ...[term, ...other].map((more) => bothTerms(one, more))])
      }
      return terms.filter((term) => this.#facts.has(term))
    })
  }

  #termAt(index: number): Term {
    return this.#set.prefix[index] ?? this.#set.rest
  }

  #next({ index, counts, seen }: ArrayState): Item[] {
    if (index >= this.#max) return []
    const base = this.#termAt(index)
    const after = this.#max === MORE ? Math.min(index + 1, this.#settled) : index + 1
    let items: Item[] = [{ term: base, state: { index: after, counts, seen } }]
    if (this.#unique) {
      const values = this.#facts.values(base)!.filter((value) => !seen.includes(keyOf(value)))
      items = values.map((value) => {
        return { term: this.#facts.constant(value), state: { index: after, counts, seen: [...seen, keyOf(value)] } }
      })
    }
    for (const [i, one] of this.#set.contains.entries()) {
      if (one.from <= index) items = items.flatMap((item) => this.#counted(item, one, i))
    }
    return items.filter(({ term }) => !isFalse(term) && this.#facts.has(term))
  }

  /** An item that counts for one `contains`, and one that does not. */
  #counted(item: Item, { term, min, max }: Contains, i: number): Item[] {
    const count = item.state.counts[i]!
    if (max === MORE && count >= min) return [item]
    const out: Item[] = []
    if (count < max) {
      const counts = item.state.counts.with(i, count + 1)
      out.push({ term: bothTerms(item.term, term), state: { ...item.state, counts } })
    }
    // Without an upper bound it is no harm when an item is not counted that could be.
    if (max === MORE) out.push(item)
    else out.push({ term: bothTerms(item.term, this.#facts.choice(otherTerms(term))), state: item.state })
    return out
  }

  #canFinish(state: ArrayState): boolean {
    if (this.#set.contains.length === 0 && !this.#unique) return this.#set.min <= this.#max
    if (this.#set.contains.length === 0) return this.#hasPlaces(state)
    const key = this.key(state)
    let finishes = this.#finishes.get(key)
    if (finishes === undefined) {
      this.#facts.spend(1 + state.seen.length / 10, this.#set.path)
      // A state that leads back to itself is no way to an end.
      this.#finishes.set(key, false)
      finishes = this.accepts(state) || this.#next(state).some((item) => this.#canFinish(item.state))
      this.#finishes.set(key, finishes)
    }
    return finishes
  }

  /**
   * Whether each item that must still come can have a value of its own: values are given to one place after the other, and where all
   * that a place can have are taken, another place gives one up (Kuhn's matching).
   */
  #hasPlaces({ index, seen }: ArrayState): boolean {
    const { min } = this.#set
    if (min > this.#max) return false
    // Places that are alike need as many values as they are.
    if (min <= index) return true
    const taken = new Set(seen)
    if (index >= this.#set.prefix.length) {
      return this.#keysAt(index).reduce((free, key) => free + (taken.has(key) ? 0 : 1), 0) >= min - index
    }
    const wanted = new Map<string, number>()
    const options = (place: number) => this.#keysAt(place).filter((key) => !taken.has(key))
    const place = (at: number, tried: Set<string>): boolean => {
      for (const key of options(at)) {
        if (tried.has(key)) continue
        tried.add(key)
        const holder = wanted.get(key)
        if (holder !== undefined && !place(holder, tried)) continue
        wanted.set(key, at)
        return true
      }
      return false
    }
    for (let at = index; at < min; at++) {
      this.#facts.spend(0.2, this.#set.path)
      if (!place(at, new Set())) return false
    }
    return true
  }

  /** The values that an item can have, as keys. */
  #keysAt(index: number): readonly string[] {
    const term = this.#termAt(index)
    let keys = this.#keys.get(term)
    if (keys === undefined) {
      keys = this.#facts.values(term)!.map(keyOf)
      this.#keys.set(term, keys)
    }
    return keys
  }

  /** One item at most, or all of kinds that have no value in common. */
  #isUniqueAnyway(): boolean {
    const { prefix } = this.#set
    if (this.#max <= 1) return true
    const apart = (a: Term, b: Term) => !this.#facts.has(bothTerms(a, b))
    return this.#max <= prefix.length && prefix.every((a, i) => prefix.slice(0, i).every((b) => apart(a, b)))
  }

  #refuseManyValues(): void {
    const places = [...this.#set.prefix, this.#set.rest].slice(0, this.#max)
    if (places.every((term) => this.#facts.values(term) !== undefined)) return
    throw new SchemaError(
      this.#set.unique!,
      'uniqueItems is supported where items have a few values (enum, const, boolean, small ranges)',
    )
  }
}
