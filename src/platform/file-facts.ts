/** What the file readers of the runtimes have in common: how much they read at once, and what they say on failure. */
import { CheckpointError } from '../errors.ts'

/** One read call asks for at most this much, so that an abort is noticed in the middle of a large tensor. */
export const PIECE_BYTES = 16 * 2 ** 20

export function endsEarly(file: string, offset: number, length: number, size: number): CheckpointError {
  return new CheckpointError({ file }, `wanted ${length} bytes from offset ${offset}, but the file ends at ${size}`)
}

export function notRegular(file: string): CheckpointError {
  return new CheckpointError({ file }, 'is not a regular file')
}

export function notOpened(file: string, cause: unknown): CheckpointError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new CheckpointError({ file }, `cannot be opened: ${reason}`, { cause })
}
