/** What values may be, and how errors say it: options and parameters are checked by tables of these. */
import { closestName } from './closest-name.ts'
import { ParameterError } from './errors.ts'

/** What is wrong with a value. */
export interface Fault {
  /** The part of the value that is at fault. */
  readonly value: unknown
  /** What it may be: the error says "must be" before it. */
  readonly allowed: string
}

/** Judges a value; undefined when it may be so. */
export type Check = (value: unknown) => Fault | undefined

/** A check for each name. */
export type Checks<T> = { readonly [K in keyof T]-?: Check }

declare const checked: unique symbol

/** A value that went through its check. The checks make it, and no assertion outside of this file does. */
export type Checked<T> = T & { readonly [checked]: true }

/** What a check gives out when it is done. */
export function asChecked<T extends object>(value: T): Checked<T> {
  return Object.freeze(value) as Checked<T>
}

/** A checked value with some fields changed to what needs no check. */
export function changed<T extends object>(value: Checked<T>, changes: Partial<T>): Checked<T> {
  return asChecked({ ...value, ...changes })
}

export function check(ok: (value: unknown) => boolean, allowed: string): Check {
  return (value) => (ok(value) ? undefined : { value, allowed })
}

export const flag = check((value) => typeof value === 'boolean', 'true or false')
export const text = check((value) => typeof value === 'string', 'a string')
export const filledText = check((value) => typeof value === 'string' && value !== '', 'a text that is not empty')
export const callback = check((value) => typeof value === 'function', 'a function')
export const abortSignal = check(
  (value) => typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value,
  'an AbortSignal',
)
/** For what is checked where it is used, against what it is used for. */
export const checkedLater: Check = () => undefined

/** @param noun for errors: `'an integer'`, `'a whole number'` */
export function integer(min: number, max = Infinity, noun = 'an integer'): Check {
  const range = max === Infinity ? `of at least ${min}` : `from ${min} to ${max}`
  return check((value) => isInteger(value, min, max), `${noun} ${range}`)
}

/** A finite number in [min, max]. */
export function number(min: number, max: number): Check {
  return check((value) => typeof value === 'number' && value >= min && value <= max, `a number from ${min} to ${max}`)
}

/** A finite number in (min, max]. */
export function numberAbove(min: number, max: number): Check {
  const allowed = `a number above ${min} and at most ${max}`
  return check((value) => typeof value === 'number' && value > min && value <= max, allowed)
}

/** A finite number in [min, max). */
export function numberBelow(min: number, max: number): Check {
  const allowed = `a number of at least ${min} and below ${max}`
  return check((value) => typeof value === 'number' && value >= min && value < max, allowed)
}

export function oneOf(...choices: readonly string[]): Check {
  return check((value) => choices.includes(value as string), `one of ${choices.join(', ')}`)
}

/** A list of at most `most` items; of an item that is at fault the error speaks alone. */
export function listOf(item: Check, most: number): Check {
  return (value) => {
    if (!Array.isArray(value) || value.length > most) return { value, allowed: `a list of at most ${most} items` }
    for (const one of value) {
      const fault = item(one)
      if (fault !== undefined) return fault
    }
    return undefined
  }
}

/** The value, or exactly `other`. */
export function orElse(other: unknown, base: Check): Check {
  return (value) => (Object.is(value, other) ? undefined : base(value))
}

/** @throws ParameterError unless the value may be so */
export function checkParameter(name: string, value: unknown, judge: Check): void {
  const fault = judge(value)
  if (fault !== undefined) throw new ParameterError(name, fault.value, `must be ${fault.allowed}`)
}

/**
 * Checks an object of options by its table; undefined stands for an option that is not there.
 * @param prefix stands before names in errors: of options that are one option of others
 * @throws ParameterError for a value that an option cannot have, and for a name that no option has
 */
export function checkOptions<T>(options: unknown, checks: Checks<T>, prefix = ''): asserts options is Partial<T> {
  if (typeof options !== 'object' || options === null) {
    throw new ParameterError('options', options, 'must be an object')
  }
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(checks, name)) {
      const nearest = closestName(name, Object.keys(checks))
      throw new ParameterError(
        prefix + name,
        value,
        `is unknown${nearest === undefined ? '' : `; did you mean ${nearest}?`}`,
      )
    }
    if (value !== undefined) checkParameter(prefix + name, value, checks[name as keyof T])
  }
}

export function isInteger(value: unknown, min: number, max = Infinity): value is number {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
}
