/** Sets of numbers: an interval, cut down to multiples of some numbers and to no multiples of others. */
import { compare, type Decimal, isMultiple, leastCommon, multipleFrom, ONE, plus } from './decimal.ts'

export interface Bound {
  readonly value: Decimal
  /** The value itself is outside. */
  readonly open: boolean
}

export interface NumberSet {
  readonly min: Bound | undefined
  readonly max: Bound | undefined
  /** All numbers are multiples of this; undefined for any. */
  readonly step: Decimal | undefined
  /** No number is a multiple of one of these. */
  readonly avoid: readonly Decimal[]
}

export const ANY_NUMBER: NumberSet = { min: undefined, max: undefined, step: undefined, avoid: [] }
export const INTEGERS: NumberSet = { ...ANY_NUMBER, step: ONE }
/** Gaps between multiples are looked through up to here for one that is not avoided. */
const MAX_TRIED = 10_000

export function onlyNumber(value: Decimal): NumberSet {
  const bound = { value, open: false }
  return { ...ANY_NUMBER, min: bound, max: bound }
}

export function isPoint({ min, max }: NumberSet): boolean {
  return min !== undefined && max !== undefined && compare(min.value, max.value) === 0
}

export function commonNumbers(a: NumberSet, b: NumberSet): NumberSet {
  return {
    min: tighter(a.min, b.min, 1),
    max: tighter(a.max, b.max, -1),
    step: a.step === undefined || b.step === undefined ? (a.step ?? b.step) : leastCommon(a.step, b.step),
    avoid: [...a.avoid, ...b.avoid.filter((other) => !a.avoid.some((one) => compare(one, other) === 0))],
  }
}

function tighter(a: Bound | undefined, b: Bound | undefined, sign: number): Bound | undefined {
  if (a === undefined || b === undefined) return a ?? b
  const order = compare(a.value, b.value) * sign
  return order > 0 || (order === 0 && a.open) ? a : b
}

/** What is not in the set, as a union. */
export function otherNumbers({ min, max, step, avoid }: NumberSet): NumberSet[] {
  const out: NumberSet[] = []
  if (min !== undefined) out.push({ ...ANY_NUMBER, max: { value: min.value, open: !min.open } })
  if (max !== undefined) out.push({ ...ANY_NUMBER, min: { value: max.value, open: !max.open } })
  // Each part leaves out what another has, so that parts do not overlap more than they must.
  if (step !== undefined) out.push({ ...ANY_NUMBER, min, max, avoid: [step] })
  for (const multiple of avoid) out.push({ ...ANY_NUMBER, min, max, step: multiple })
  return out.filter((set) => !isEmptyNumbers(set))
}

export function isEmptyNumbers(set: NumberSet): boolean {
  const { min, max, step, avoid } = set
  if (min !== undefined && max !== undefined) {
    const order = compare(min.value, max.value)
    if (order > 0 || (order === 0 && (min.open || max.open))) return true
    if (order === 0) return !isIn(min.value, set)
  }
  if (step === undefined) return false
  if (avoid.some((multiple) => isMultiple(step, multiple))) return true
  // Away from zero every multiple that is not avoided comes again: only two bounds can shut them all out.
  return min !== undefined && max !== undefined && numbersIn(set, 1, MAX_TRIED)?.length === 0
}

function isIn(value: Decimal, { min, max, step, avoid }: NumberSet): boolean {
  const above = min === undefined || compare(value, min.value) >= (min.open ? 1 : 0)
  const below = max === undefined || compare(value, max.value) <= (max.open ? -1 : 0)
  return above && below && (step === undefined || isMultiple(value, step)) && !avoid.some((n) => isMultiple(value, n))
}

/** The first numbers of a bounded set with a step, at most `most`; undefined when there is no end in sight. */
export function numbersIn(set: NumberSet, most: number, tries = 4 * most): Decimal[] | undefined {
  const { min, max, step, avoid } = set
  if (min === undefined || max === undefined) return undefined
  if (isPoint(set)) return isIn(min.value, set) ? [min.value] : []
  if (step === undefined) return undefined
  const found: Decimal[] = []
  let value = multipleFrom(min.value, step)
  for (let i = 0; i < tries && found.length < most; i++) {
    if (compare(value, max.value) > 0) return found
    if (isIn(value, { ...set, avoid })) found.push(value)
    value = plus(value, step)
  }
  return found.length >= most ? found : undefined
}
