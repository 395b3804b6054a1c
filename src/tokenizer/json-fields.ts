/** Typed access to the fields of a `tokenizer.json`, with errors that name the field. */
import { shortened, show as showAny } from '../errors/show.ts'
import { TokenizerError } from '../errors.ts'
import { MAX_TOKENS } from './vocabulary.ts'

export type Json = Readonly<Record<string, unknown>>

const FILE = 'tokenizer.json'

/** An empty `field` is the file as a whole. */
export function object(value: unknown, field: string, file = FILE): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json
  throw new TokenizerError(field === '' ? `${file} is not an object` : `${file}: ${field} is not an object`)
}

export function array(value: unknown, field: string, limit: number, file = FILE): unknown[] {
  if (!Array.isArray(value)) throw new TokenizerError(`${file}: ${field} is not an array`)
  if (value.length > limit) {
    throw new TokenizerError(`${file}: ${field} has ${value.length} entries, the limit is ${limit}`)
  }
  return value
}

export function string(value: unknown, field: string, file = FILE): string {
  if (typeof value === 'string') return value
  throw new TokenizerError(`${file}: ${field} is not a string`)
}

export function optionalString(value: unknown, field: string, file = FILE): string | undefined {
  return value === undefined || value === null ? undefined : string(value, field, file)
}

export function boolean(value: unknown, field: string, file = FILE): boolean {
  if (value === undefined || value === null) return false
  if (typeof value === 'boolean') return value
  throw new TokenizerError(`${file}: ${field} is not true or false`)
}

/** @param field its name, which is asked for in an error: vocabularies have a hundred thousand ids */
export function tokenId(value: unknown, field: () => string, file = FILE): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < MAX_TOKENS) return value
  throw new TokenizerError(`${file}: ${field()} (${show(value)}) is not a token id from 0 to ${MAX_TOKENS - 1}`)
}

/** A value of the file for a message. */
export function show(value: unknown): string {
  return shortened(showAny(value), 60)
}
