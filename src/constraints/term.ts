/** What terms and their derivatives are, and what makes them: terms.ts and derivatives.ts need each other only through this. */
import type { Budget } from './budget.ts'
import type { CharRange } from './expression.ts'

/** A regular language in a normal form; two of the same language that are made the same way are the same object. */
export interface Term {
  readonly id: number
  readonly kind: 'chars' | 'empty' | 'sequence' | 'either' | 'all' | 'not' | 'repeat'
  /** The empty text is one of its texts. */
  readonly nullable: boolean
  /** Neither `all` nor `not` is inside: then only the term `never` has no texts. */
  readonly plain: boolean
  readonly ranges: readonly CharRange[]
  /** Two in a sequence (the first is none), one of `not` and `repeat`; sorted by id in `either` and `all`. */
  readonly items: readonly Term[]
  readonly min: number
  readonly max: number
  derivative: Derivative | undefined
  live: boolean | undefined
  /** For `Terms.within`, by length. */
  near: Map<number, Term> | undefined
}

/** Interval `i` has the characters from `starts[i]` up to the next start; the first start is 0. */
export interface Derivative {
  readonly starts: readonly number[]
  readonly targets: readonly Term[]
}

/** Makes terms in their normal form. */
export interface TermMaker {
  readonly budget: Budget
  readonly empty: Term
  /** No text at all. */
  readonly never: Term
  /** Every text. */
  readonly every: Term
  sequence(first: Term, rest: Term): Term
  either(items: readonly Term[]): Term
  all(items: readonly Term[]): Term
  not(item: Term): Term
  repeat(item: Term, min: number, max: number): Term
  derivative(term: Term): Derivative
}
