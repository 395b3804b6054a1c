/** The base of all errors, and how they travel as plain data. */
import { show } from './show.ts'

/** Base class: `catch (e) { if (e instanceof MistralError) … }` separates our verdicts from bugs. */
export class MistralError extends Error {
  override name = 'MistralError'

  /**
   * The error as plain data, for JSON and for `postMessage`, which loses the class of an error and its fields.
   * {@link MistralError.fromJSON} makes the error again.
   */
  toJSON(): ErrorJson {
    const { name, message, cause } = this
    const fields = Object.entries(this).filter(([field]) => field !== 'name' && field !== 'cause')
    const plain = Object.fromEntries(fields.map(([field, value]) => [field, plainValue(value)]))
    return { ...plain, name, message, ...(cause !== undefined && { cause: plainCause(cause) }) }
  }

  /** The error that `toJSON` was called on: the same class, message and fields. Its stack is that of this call. */
  static fromJSON(json: ErrorJson): MistralError {
    const { name, message, cause, ...fields } = json
    const error = new MistralError(String(message), cause === undefined ? undefined : { cause: causeOf(cause) })
    Object.setPrototypeOf(error, (CLASSES.get(name) ?? MistralError).prototype)
    return Object.assign(error, fields, { name: String(name) })
  }
}

/** A `MistralError` as plain data. The fields are those of its class. */
export interface ErrorJson {
  readonly name: string
  readonly message: string
  readonly cause?: unknown
  readonly [field: string]: unknown
}

/** By name. */
const CLASSES = new Map<string, { readonly prototype: MistralError }>()

/** Errors of these classes keep them when they travel. */
export function registerErrors(classes: Readonly<Record<string, { readonly prototype: MistralError }>>): void {
  for (const [name, one] of Object.entries(classes)) CLASSES.set(name, one)
}

/** Primitives stay; anything else becomes the text that messages show of it. */
function plainValue(value: unknown): unknown {
  const primitive = value === null || ['string', 'number', 'boolean', 'undefined'].includes(typeof value)
  return primitive ? value : show(value)
}

function plainCause(cause: unknown): unknown {
  if (cause instanceof MistralError) return cause.toJSON()
  // The mark tells it from ours: the reason of an aborted signal is named AbortError too.
  return cause instanceof Error ? { name: cause.name, message: cause.message, native: true } : plainValue(cause)
}

function causeOf(cause: unknown): unknown {
  if (typeof cause !== 'object' || cause === null || !('name' in cause) || !('message' in cause)) return cause
  const json = cause as ErrorJson
  if (json.native !== true) return MistralError.fromJSON(json)
  return Object.assign(new Error(String(json.message)), { name: String(json.name) })
}
