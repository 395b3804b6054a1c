/** Sets of arrays and of objects: what all their items, members and counts must be. Unions of them are lists. */
import type { TextStates } from '../text-states.ts'
import { commonStrings, listed, NO_STRING, type StringSet, unitedStrings } from './strings.ts'
import { bothTerms, FALSE, isFalse, otherTerms, type Term, TRUE } from './terms.ts'

const MORE = Number.POSITIVE_INFINITY

/** Of the items from one index on, at least `min` and at most `max` must be of the term. */
export interface Contains {
  readonly from: number
  readonly term: Term
  readonly min: number
  readonly max: number
}

export interface ArraySet {
  /** Of the first items, one each. */
  readonly prefix: readonly Term[]
  /** Of all other items. */
  readonly rest: Term
  readonly min: number
  readonly max: number
  readonly contains: readonly Contains[]
  /** No two items are equal. Where this stands in the schema, for errors. */
  readonly unique: string | undefined
  /** What `unevaluatedItems` passes by: items before an index, and items of these terms. */
  readonly evaluated: { readonly upTo: number; readonly terms: readonly Term[] }
  readonly path: string
}

/** Members with such a name must be of the term. */
export interface Members {
  readonly names: StringSet
  readonly term: Term
}

export interface ObjectSet {
  readonly members: readonly Members[]
  readonly required: readonly string[]
  /** Names that must be there when another is. */
  readonly dependents: readonly (readonly [name: string, required: readonly string[]])[]
  readonly min: number
  readonly max: number
  /** Of each, one member must be there. */
  readonly witnesses: readonly Members[]
  /** The names that `unevaluatedProperties` passes by. */
  readonly evaluated: StringSet
  readonly path: string
}

export const ANY_ARRAY: ArraySet = {
  prefix: [],
  rest: TRUE,
  min: 0,
  max: MORE,
  contains: [],
  unique: undefined,
  evaluated: { upTo: 0, terms: [] },
  path: '#',
}
export const ANY_OBJECT: ObjectSet = {
  members: [],
  required: [],
  dependents: [],
  min: 0,
  max: MORE,
  witnesses: [],
  evaluated: NO_STRING,
  path: '#',
}

export function commonArrays(a: ArraySet, b: ArraySet): ArraySet | undefined {
  if (a === ANY_ARRAY) return b
  if (b === ANY_ARRAY) return a
  const length = Math.max(a.prefix.length, b.prefix.length)
  const at = (set: ArraySet, i: number) => set.prefix[i] ?? set.rest
  const prefix = Array.from({ length }, (_, i) => bothTerms(at(a, i), at(b, i)))
  const joint: ArraySet = {
    prefix,
    rest: bothTerms(a.rest, b.rest),
    min: Math.max(a.min, b.min),
    max: Math.min(a.max, b.max),
    contains: [...a.contains, ...b.contains],
    unique: a.unique ?? b.unique,
    evaluated: {
      upTo: Math.max(a.evaluated.upTo, b.evaluated.upTo),
      terms: [...a.evaluated.terms, ...b.evaluated.terms],
    },
    path: a.path,
  }
  return joint.min > joint.max || prefix.slice(0, joint.min).some(isFalse) ? undefined : joint
}

/** What is not in the set, as a union; undefined where that cannot be said. */
export function otherArrays(set: ArraySet): ArraySet[] | undefined {
  if (set.unique !== undefined) return undefined
  const { prefix, rest, min, max, contains, path } = set
  const any = { ...ANY_ARRAY, path }
  const out: ArraySet[] = []
  if (min > 0) out.push({ ...any, max: min - 1 })
  if (max < MORE) out.push({ ...any, min: max + 1 })
  for (const [i, term] of prefix.entries()) {
    for (const other of otherTerms(term)) {
      if (!isFalse(other)) out.push({ ...any, min: i + 1, prefix: [...prefix.slice(0, i).map(() => TRUE), other] })
    }
  }
  for (const term of otherTerms(rest)) {
    if (isFalse(rest)) out.push({ ...any, min: prefix.length + 1 })
    else if (!isFalse(term)) out.push({ ...any, contains: [{ from: prefix.length, term, min: 1, max: MORE }] })
  }
  for (const one of contains) {
    if (one.min > 0) out.push({ ...any, contains: [{ ...one, min: 0, max: one.min - 1 }] })
    if (one.max < MORE) out.push({ ...any, contains: [{ ...one, min: one.max + 1, max: MORE }] })
  }
  return out
}

export function commonObjects(a: ObjectSet, b: ObjectSet, states: TextStates): ObjectSet | undefined {
  if (a === ANY_OBJECT) return b
  if (b === ANY_OBJECT) return a
  const joint: ObjectSet = {
    members: merged(a.members, b.members),
    required: [...new Set([...a.required, ...b.required])],
    dependents: [...a.dependents, ...b.dependents],
    min: Math.max(a.min, b.min),
    max: Math.min(a.max, b.max),
    witnesses: merged(a.witnesses, b.witnesses),
    evaluated: unitedStrings(a.evaluated, b.evaluated, states),
    path: a.path,
  }
  const impossible = joint.min > joint.max || joint.required.length > joint.max
  return impossible || isShutOut(joint, states) ? undefined : joint
}

/** Without what is in both. */
function merged(a: readonly Members[], b: readonly Members[]): readonly Members[] {
  if (a.length === 0 || b.length === 0) return a.length === 0 ? b : a
  const known = new Map(a.map(({ names, term }) => [names, term]))
  return [...a, ...b.filter(({ names, term }) => known.get(names) !== term)]
}

/** A required name that may not be there. */
function isShutOut({ members, required }: ObjectSet, states: TextStates): boolean {
  const shut = members.filter(({ term }) => isFalse(term))
  if (shut.length === 0) return false
  const names = listed(...required)
  return shut.some((one) => commonStrings(names, one.names, states).values!.size > 0)
}

/** What makes terms, and sets of names, that no subschema says. */
export interface TermMakers {
  readonly choice: (terms: readonly Term[]) => Term
  /** The same object for the same name. */
  readonly name: (name: string) => StringSet
}

export function otherObjects(set: ObjectSet, makers: TermMakers): ObjectSet[] {
  const { members, required, dependents, min, max, witnesses, path } = set
  const any = { ...ANY_OBJECT, path }
  const out: ObjectSet[] = []
  const without = (name: string): Members => ({ names: makers.name(name), term: FALSE })
  for (const name of required) out.push({ ...any, members: [without(name)] })
  if (min > 0) out.push({ ...any, max: min - 1 })
  if (max < MORE) out.push({ ...any, min: max + 1 })
  for (const [name, others] of dependents) {
    for (const other of others) if (other !== name) out.push({ ...any, required: [name], members: [without(other)] })
  }
  for (const { names, term } of members) out.push(...witnessed(names, otherTerms(term), any, makers))
  for (const { names, term } of witnesses)
    out.push({ ...any, members: [{ names, term: makers.choice(otherTerms(term)) }] })
  return out
}

/** Objects with a member of such a name that is of one of the terms. */
function witnessed(names: StringSet, terms: readonly Term[], any: ObjectSet, makers: TermMakers): ObjectSet[] {
  return terms
    .filter((term) => !isFalse(term))
    .flatMap((term): ObjectSet[] => {
      if (names.values === undefined) return [{ ...any, witnesses: [{ names, term }] }]
      return [...names.values].map((name) => ({
        ...any,
        required: [name],
        members: [{ names: makers.name(name), term }],
      }))
    })
}
