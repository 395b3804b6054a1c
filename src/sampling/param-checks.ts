/** Checks of the values that only parameters of a request have: seeds, texts, token ids and biases. */
import { type Check, check, isInteger } from '../checks.ts'

const MAX_ID = 0x7fffffff
/** Longest list of ids or biases a request may carry: far above real use, far below what would hurt. */
export const MAX_ITEMS = 65536
const LEAST_SEED = -(2n ** 63n)
const MOST_SEED = 2n ** 63n - 1n

/** OpenAI's limits. A JavaScript number above 2^53 may have been rounded on its way, and two seeds would draw the same. */
export const seed = check(
  (value) =>
    typeof value === 'bigint' ? value >= LEAST_SEED && value <= MOST_SEED : isInteger(value, Number.MIN_SAFE_INTEGER),
  `an integer from ${LEAST_SEED} to ${MOST_SEED}, exact: beyond 2^53 - 1 a bigint in JavaScript, all its digits in JSON`,
)

/** One text or a list of up to `most` that are not empty; those that are say nothing. */
export function stops(most: number): Check {
  const ok = (list: unknown) =>
    Array.isArray(list) &&
    list.every((text) => typeof text === 'string') &&
    list.filter((text) => text !== '').length <= most
  return check((value) => ok(asList(value)), `a text or a list of at most ${most} texts`)
}

/** One text or a list of up to `most`; none may be empty. `together`: characters of all. */
export function texts(most: number, longest: number, together: number): Check {
  const fits = (text: unknown) => typeof text === 'string' && text !== '' && text.length <= longest
  const allowed = `a text or a list of at most ${most} texts, none of them empty or longer than ${longest} characters`
  return (value) => {
    const list = asList(value)
    if (!Array.isArray(list) || list.length > most || !list.every(fits)) return { value, allowed }
    const characters = (list as string[]).reduce((sum, { length }) => sum + length, 0)
    return characters <= together ? undefined : { value, allowed: `at most ${together} characters together` }
  }
}

/** One text stands for a list of one. */
export function asList(value: unknown): unknown {
  return typeof value === 'string' ? [value] : value
}

/** A list of token ids. */
export const tokenIds = check(
  (value) => Array.isArray(value) && value.length <= MAX_ITEMS && value.every(isId),
  `a list of token ids (integers from 0), at most ${MAX_ITEMS}`,
)

/** A list of token ids that is not empty. */
export const tokenSequence: Check = (value) =>
  tokenIds(value) ??
  ((value as number[]).length > 0 ? undefined : { value, allowed: 'made of sequences of at least one token id' })

/** `[ids, bias]`, as Hugging Face's `sequence_bias` takes it in JSON. */
export const biasedSequence: Check = (value) => {
  const ok = Array.isArray(value) && value.length === 2 && Number.isFinite(value[1])
  return ok ? tokenSequence(value[0]) : { value, allowed: 'a list of [list of token ids, finite number]' }
}

/** `{ "id": bias }` with |bias| at most `limit`. */
export function biases(limit: number): Check {
  const ok = ([id, bias]: [string, unknown]) =>
    /^\d+$/.test(id) && isId(Number(id)) && typeof bias === 'number' && Math.abs(bias) <= limit
  return check((value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
    const entries = Object.entries(value)
    return entries.length <= MAX_ITEMS && entries.every(ok)
  }, `an object from token id to a number from ${-limit} to ${limit}`)
}

function isId(value: unknown): boolean {
  return isInteger(value, 0, MAX_ID)
}
