/** Who waits for a sequence, and whose sequence may be taken. */
import { QueueFullError } from '../errors.ts'
import type { ExclusiveJob } from './exclusive-job.ts'
import { Generation } from './generation.ts'

/** A generation whose reader takes nothing loses its sequence after this time when others wait for one. */
export const IDLE_MS = 100

/**
 * Throws `QueueFullError` when one more would wait than `maxQueue`. Requests that were preempted and wait again do not count
 * against it: they were let in before.
 */
export function refuseBeyond(
  maxQueue: number,
  waiting: readonly (Generation | ExclusiveJob)[],
  running: readonly Generation[],
  freeSequences: number,
): void {
  const fresh = waiting.filter((one) => !(one instanceof Generation) || one.cachedTokens === undefined).length
  const free = freeSequences + running.filter((generation) => generation.idleSince !== undefined).length
  if (fresh + 1 - free > maxQueue) throw new QueueFullError(Math.max(0, fresh - free), maxQueue)
}

/** The generation that has been idle for the longest, if any has for long enough. */
export function longestIdle(running: readonly Generation[]): Generation | undefined {
  let longest: Generation | undefined
  for (const generation of running) {
    const since = generation.idleSince
    if (since !== undefined && since < (longest?.idleSince ?? Infinity)) longest = generation
  }
  const since = longest?.idleSince
  return since !== undefined && performance.now() - since >= IDLE_MS ? longest : undefined
}

export function remove<T>(list: T[], item: T): void {
  const at = list.indexOf(item)
  if (at >= 0) list.splice(at, 1)
}
