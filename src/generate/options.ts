/** The options of loading and of requests, and the check that refuses all others. */
import { ParameterError } from '../errors.ts'
import type { EngineOptions } from '../model/engine.ts'
import { MAX_STEPS } from '../model/runner.ts'
import type { AnyAbortSignal } from '../platform/globals.ts'
import { closestName } from '../sampling/closest-name.ts'

export interface LoadOptions extends EngineOptions {
  /** Requests that may wait for a free sequence; one more throws `QueueFullError`. Default: no limit. */
  maxQueue?: number | undefined
  /** Tokens to choose before they are brought back from the GPU, 1 to 16. Default: as the adapter's latency asks for. */
  stepsPerReadback?: number | undefined
}

export interface RequestOptions {
  /** Stops the request; what it awaits throws `AbortError`. */
  signal?: AnyAbortSignal | undefined
}

export interface GenerateOptions extends RequestOptions {
  /** Sees every token as it is chosen; true ends the generation there with `finishReason: 'stop'`. */
  stopWhen?: ((tokenId: number) => boolean) | undefined
}

type Check = (value: unknown) => boolean

const isFunction: Check = (value) => typeof value === 'function'
const isSignal: Check = (value) =>
  typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value
const isNames: Check = (value) => Array.isArray(value) && value.every((name) => typeof name === 'string')
const isInteger = (value: unknown, min: number, max: number): boolean =>
  Number.isInteger(value) && (value as number) >= min && (value as number) <= max
/** Checked where it is used, against what it is used for. */
const later: Check = () => true

const LOAD: Record<keyof LoadOptions, [Check, string]> = {
  onProgress: [isFunction, 'must be a function'],
  signal: [isSignal, 'must be an AbortSignal'],
  weights: [later, ''],
  kvCache: [later, ''],
  contextLength: [later, ''],
  maxSequences: [later, ''],
  prefillChunk: [later, ''],
  slidingWindow: [later, ''],
  disableFeatures: [isNames, 'must be an array of names'],
  maxQueue: [(value) => value === Infinity || isInteger(value, 0, Infinity), 'must be an integer of at least 0'],
  stepsPerReadback: [(value) => isInteger(value, 1, MAX_STEPS), `must be an integer from 1 to ${MAX_STEPS}`],
}

const REQUEST: Record<keyof GenerateOptions, [Check, string]> = {
  signal: [isSignal, 'must be an AbortSignal'],
  stopWhen: [isFunction, 'must be a function'],
}

/** Refuses options that do not exist or cannot work; none is ignored. Throws `ParameterError`. */
export function checkLoadOptions(options: unknown): void {
  check('options', options, LOAD)
}

/** As {@link checkLoadOptions}, for the last argument of requests. `names`: those that are allowed; all by default. */
export function checkRequestOptions(options: unknown, names: readonly string[] = Object.keys(REQUEST)): void {
  check('options', options, Object.fromEntries(Object.entries(REQUEST).filter(([name]) => names.includes(name))))
}

function check(what: string, options: unknown, rules: Readonly<Record<string, [Check, string]>>): void {
  if (typeof options !== 'object' || options === null) throw new ParameterError(what, options, 'must be an object')
  for (const [name, value] of Object.entries(options)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined
    if (rule === undefined) {
      const nearest = closestName(name, Object.keys(rules))
      throw new ParameterError(name, value, `is unknown${nearest === undefined ? '' : `; did you mean ${nearest}?`}`)
    }
    if (value !== undefined && !rule[0](value)) throw new ParameterError(name, value, rule[1])
  }
}
