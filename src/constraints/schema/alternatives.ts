/** Keeps unions short: what a union has twice, and what another of its sets holds anyway, is left out. */
import { ANY_NUMBER } from './numbers.ts'
import { ANY_ARRAY, ANY_OBJECT, type ArraySet, type ObjectSet } from './sets.ts'
import type { StringSet } from './strings.ts'

/** Longer unions are not searched for sets inside of others. */
const MOST_COMPARED = 200

/** @param looks sets count by what they have looked at too: one that accepts everything does not make others useless */
export function withoutRepeats<S extends object>(sets: readonly S[], looks: boolean): S[] {
  if (sets.length < 2) return [...sets]
  for (const everything of looks ? [] : [ANY_NUMBER, ANY_ARRAY, ANY_OBJECT]) {
    if (sets.includes(everything as object as S)) return [everything as object as S]
  }
  const different = [...new Map(sets.map((set) => [keyOfSet(set), set])).values()]
  if (different.length < 2 || different.length > MOST_COMPARED) return different
  if ('members' in different[0]!) return outermost(different as object[] as ObjectSet[], holdsObject) as object[] as S[]
  return 'prefix' in different[0]!
    ? (outermost(different as object[] as ArraySet[], holdsArray) as object[] as S[])
    : different
}

/** Without what another set holds. */
function outermost<S extends ObjectSet | ArraySet>(sets: readonly S[], holds: (outer: S, inner: S) => boolean): S[] {
  // From the one that asks least on, so that a set is compared with those that can hold it.
  const sorted = [...sets].sort((a, b) => conditionsOf(a).size - conditionsOf(b).size)
  const kept: S[] = []
  for (const set of sorted) if (!kept.some((other) => holds(other, set))) kept.push(set)
  return kept
}

/** About how much there is to do with all sets of a union. */
export function sizeOf(sets: readonly object[]): number {
  return sets.reduce((all, set) => all + 1 + ('members' in set ? (set as ObjectSet).members.length / 8 : 0), 0)
}

/** Whether everything that `outer` asks for is asked for by `inner` too. */
function holdsObject(outer: ObjectSet, inner: ObjectSet): boolean {
  if (outer.min > inner.min || outer.max < inner.max) return false
  return keyOfNames(outer.evaluated) === keyOfNames(inner.evaluated) && asks(outer, inner)
}

function holdsArray(outer: ArraySet, inner: ArraySet): boolean {
  if (outer.min > inner.min || outer.max < inner.max || (outer.unique !== undefined && inner.unique === undefined))
    return false
  const length = Math.max(outer.prefix.length, inner.prefix.length)
  let before: readonly [object, object] | undefined
  for (let i = 0; i <= length && i < inner.max; i++) {
    const [wide, narrow] = [outer.prefix[i] ?? outer.rest, inner.prefix[i] ?? inner.rest]
    // Long arrays often have one kind of items, which is looked at once.
    if (before !== undefined && before[0] === wide && before[1] === narrow) continue
    before = [wide, narrow]
    if (!wide.every((literal) => narrow.includes(literal))) return false
  }
  return keyOfEvaluated(outer) === keyOfEvaluated(inner) && asks(outer, inner)
}

const evaluatedKeys = new WeakMap<ArraySet, string>()

function keyOfEvaluated(set: ArraySet): string {
  let key = evaluatedKeys.get(set)
  if (key === undefined) {
    key = JSON.stringify(set.evaluated)
    evaluatedKeys.set(set, key)
  }
  return key
}

function asks(outer: ObjectSet | ArraySet, inner: ObjectSet | ArraySet): boolean {
  const conditions = conditionsOf(inner)
  for (const one of conditionsOf(outer)) if (!conditions.has(one)) return false
  return true
}

const conditions = new WeakMap<ObjectSet | ArraySet, ReadonlySet<string>>()

function conditionsOf(set: ObjectSet | ArraySet): ReadonlySet<string> {
  let known = conditions.get(set)
  if (known === undefined) {
    known = new Set('members' in set ? conditionsOfObject(set) : set.contains.map((one) => JSON.stringify(one)))
    conditions.set(set, known)
  }
  return known
}

function conditionsOfObject({ members, witnesses, required, dependents }: ObjectSet): string[] {
  return [
    ...members.flatMap(({ names, term }) => term.map((literal) => `m${numbered(names)}:${literal}`)),
    ...witnesses.map(({ names, term }) => `w${numbered(names)}:${term}`),
    ...required.map((name) => `r${name}`),
    ...dependents.map((one) => `d${JSON.stringify(one)}`),
  ]
}

const keys = new WeakMap<object, string>()
const numbers = new WeakMap<object, number>()
let count = 0

/** Equal for equal sets, mostly: names and texts are equal when they are one object. */
function keyOfSet(set: object): string {
  let key = keys.get(set)
  if (key === undefined) {
    const object = 'members' in set ? (set as ObjectSet) : undefined
    key = object === undefined ? plainKey(set) : objectKey(object)
    keys.set(set, key)
  }
  return key
}

function objectKey(set: ObjectSet): string {
  return `${[...conditionsOf(set)].sort().join()};${set.min};${set.max};${keyOfNames(set.evaluated)}`
}

function keyOfNames(names: StringSet): string {
  let key = keys.get(names)
  if (key === undefined) {
    const { values, text } = names
    key = `${text === undefined ? '' : numbered(text)}:${JSON.stringify([...(values ?? names.except)].sort())}`
    keys.set(names, key)
  }
  return key
}

function plainKey(set: object): string {
  return JSON.stringify(set, (name, value: unknown) => {
    if (typeof value === 'bigint') return `${value}n`
    if (value === Number.POSITIVE_INFINITY) return 'more'
    return name === 'path' ? undefined : value
  })
}

function numbered(object: object): number {
  let number = numbers.get(object)
  if (number === undefined) {
    number = count++
    numbers.set(object, number)
  }
  return number
}
