/**
 * A term is a set of JSON values: those that several subschemas accept, and that several others do not. It is written as sorted
 * numbers, two for each subschema: the even one for accepted, the odd one for refused. Terms are what properties and items are
 * constrained by before anybody has looked at what they say, so that schemas may refer to themselves.
 */
export type Term = readonly number[]

/** Every value. */
export const TRUE: Term = []
/** No value: what the first subschema, which accepts everything, refuses. */
export const FALSE: Term = [1]

export function isFalse(term: Term): boolean {
  return term[0] === 1
}

/** The values that are in all terms. */
export function bothTerms(...terms: readonly Term[]): Term {
  const literals = [...new Set(terms.flat())].sort((a, b) => a - b)
  const contradiction = literals.some((literal, i) => literal % 2 === 0 && literals[i + 1] === literal + 1)
  return contradiction || literals[0] === 1 ? FALSE : literals
}

/** Terms of which each value outside of this one is in at least one. */
export function otherTerms(term: Term): Term[] {
  return term.length === 0 ? [FALSE] : isFalse(term) ? [TRUE] : term.map((literal) => [literal ^ 1])
}
