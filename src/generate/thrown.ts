/** What functions of callers throw. */
import { MistralError } from '../errors.ts'

/** Turns what a caller's function threw into an error. */
export function errorOf(thrown: unknown, who = 'constraint'): Error {
  return thrown instanceof Error ? thrown : new MistralError(`${who} threw ${String(thrown)}`, { cause: thrown })
}
