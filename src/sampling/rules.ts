import { ParameterError } from '../errors.ts'

/** Checks one parameter and returns it in its final form; throws {@link ParameterError} saying what is allowed. */
export type Rule = (name: string, value: unknown) => unknown

const MAX_ID = 0x7fffffff
/** Longest list of ids or biases a request may carry: far above real use, far below what would hurt. */
const MAX_ITEMS = 65536

function check(ok: boolean, name: string, value: unknown, allowed: string): void {
  if (!ok) throw new ParameterError(name, value, `must be ${allowed}`)
}

export const boolean: Rule = (name, value) => {
  check(typeof value === 'boolean', name, value, 'true or false')
  return value
}

export function integer(min: number): Rule {
  return (name, value) => {
    check(isInteger(value, min), name, value, `an integer of at least ${min}`)
    return value
  }
}

export function integerIn(min: number, max: number): Rule {
  return (name, value) => {
    check(isInteger(value, min) && value <= max, name, value, `an integer from ${min} to ${max}`)
    return value
  }
}

/** A finite number in [min, max]. */
export function number(min: number, max: number): Rule {
  return (name, value) => {
    check(typeof value === 'number' && value >= min && value <= max, name, value, `a number from ${min} to ${max}`)
    return value
  }
}

/** A finite number in (min, max]. */
export function numberAbove(min: number, max: number): Rule {
  return (name, value) => {
    const ok = typeof value === 'number' && value > min && value <= max
    check(ok, name, value, `a number above ${min} and at most ${max}`)
    return value
  }
}

/** A finite number in [min, max). */
export function numberBelow(min: number, max: number): Rule {
  return (name, value) => {
    const ok = typeof value === 'number' && value >= min && value < max
    check(ok, name, value, `a number of at least ${min} and below ${max}`)
    return value
  }
}

const LEAST_SEED = -(2n ** 63n)
const MOST_SEED = 2n ** 63n - 1n

/** OpenAI's limits. A JavaScript number above 2^53 may have been rounded on its way, and two seeds would draw the same. */
export const seed: Rule = (name, value) => {
  const inRange = typeof value === 'bigint' && value >= LEAST_SEED && value <= MOST_SEED
  const exact = 'exact: beyond 2^53 - 1 a bigint in JavaScript, all its digits in JSON'
  check(inRange || Number.isSafeInteger(value), name, value, `an integer from ${LEAST_SEED} to ${MOST_SEED}, ${exact}`)
  return value
}

/** One text or a list of up to `most` that are not empty; those that are say nothing. The result is always a list. */
export function stops(most: number): Rule {
  return (name, value) => {
    const list: unknown = typeof value === 'string' ? [value] : value
    const allowed = `a text or a list of at most ${most} texts`
    check(Array.isArray(list) && list.every((text) => typeof text === 'string'), name, value, allowed)
    const texts = (list as string[]).filter((text) => text !== '')
    check(texts.length <= most, name, value, allowed)
    return texts
  }
}

/** One text or a list of up to `most`; none may be empty. `together`: characters of all. The result is always a list. */
export function texts(most: number, longest = Infinity, together = Infinity): Rule {
  const size = longest === Infinity ? 'empty' : `empty or longer than ${longest} characters`
  return (name, value) => {
    const list = typeof value === 'string' ? [value] : value
    const fits = (s: unknown) => typeof s === 'string' && s !== '' && s.length <= longest
    const ok = Array.isArray(list) && list.length <= most && list.every(fits)
    check(ok, name, value, `a text or a list of at most ${most} texts, none of them ${size}`)
    const characters = (list as string[]).reduce((sum, { length }) => sum + length, 0)
    check(characters <= together, name, value, `at most ${together} characters together`)
    return [...(list as string[])]
  }
}

/** A list of token ids. */
export const ids: Rule = (name, value) => {
  const ok = Array.isArray(value) && value.length <= MAX_ITEMS && value.every(isId)
  check(ok, name, value, `a list of token ids (integers from 0), at most ${MAX_ITEMS}`)
  return [...(value as number[])]
}

/** A list of token ids that is not empty. */
export const sequence: Rule = (name, value) => {
  const list = ids(name, value) as number[]
  check(list.length > 0, name, value, 'made of sequences of at least one token id')
  return list
}

/** `[ids, bias]`, as Hugging Face's `sequence_bias` takes it in JSON. */
export const biasedSequence: Rule = (name, value) => {
  const ok = Array.isArray(value) && value.length === 2 && Number.isFinite(value[1])
  check(ok, name, value, 'a list of [list of token ids, finite number]')
  const [list, bias] = value as [unknown, number]
  return [sequence(name, list), bias]
}

export function listOf(item: Rule): Rule {
  return (name, value) => {
    check(Array.isArray(value) && value.length <= MAX_ITEMS, name, value, `a list of at most ${MAX_ITEMS} items`)
    return (value as unknown[]).map((one) => item(name, one))
  }
}

/** `{ "id": bias }` with |bias| at most `limit`. */
export function biases(limit: number): Rule {
  const allowed = `an object from token id to a number from ${-limit} to ${limit}`
  return (name, value) => {
    check(typeof value === 'object' && value !== null && !Array.isArray(value), name, value, allowed)
    const entries = Object.entries(value as object)
    const ok = entries.every(
      ([id, bias]) => /^\d+$/.test(id) && isId(Number(id)) && typeof bias === 'number' && Math.abs(bias) <= limit,
    )
    check(ok && entries.length <= MAX_ITEMS, name, value, allowed)
    return Object.fromEntries(entries)
  }
}

function isInteger(value: unknown, min: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= min
}

function isId(value: unknown): boolean {
  return isInteger(value, 0) && value <= MAX_ID
}
