import { MistralError } from '../errors.ts'

/** One line. With `debug` the stack, too; a bug of ours names its class, so that it is not taken for a verdict. */
export function errorText(error: unknown, debug = false): string {
  if (!(error instanceof Error)) return String(error)
  if (debug) return error.stack ?? String(error)
  const text = error instanceof MistralError ? error.message : `${error.name}: ${error.message} (DEBUG=1 shows where)`
  return text.replace(/\s*\n\s*/g, ' ')
}
