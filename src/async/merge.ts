/** Several generators side by side, as one. */
import { onAbort } from './abort.ts'

/**
 * Runs several generators side by side and yields what each gives as it comes. Returns what they return, in their order.
 * When one throws, or the caller leaves, all are ended at once: `start` makes them with a signal that fires then, and when
 * the caller's own does.
 */
export async function* merge<T, R>(
  signal: AbortSignal | undefined,
  start: (signal: AbortSignal) => readonly AsyncGenerator<T, R, undefined>[],
): AsyncGenerator<T, R[], undefined> {
  const leave = new AbortController()
  const follow = () => leave.abort(signal?.reason)
  if (signal?.aborted) follow()
  const stopListening = onAbort(signal, follow)
  let runs: readonly AsyncGenerator<T, R, undefined>[] = []
  const results: R[] = []
  const ask = async (index: number) => ({ index, next: await runs[index]!.next() })
  // In the order they were asked: of several that are ready the one that waits for the longest is the race's winner.
  const pending = new Map<number, ReturnType<typeof ask>>()
  try {
    runs = start(leave.signal)
    for (const index of runs.keys()) pending.set(index, ask(index))
    while (pending.size > 0) {
      const { index, next } = await Promise.race(pending.values())
      pending.delete(index)
      if (next.done) results[index] = next.value
      else {
        yield next.value
        pending.set(index, ask(index))
      }
    }
    return results
  } finally {
    stopListening()
    // One that waits for its turn would end only when that came.
    if (pending.size > 0) leave.abort()
    for (const one of pending.values()) one.catch(() => {})
    await Promise.allSettled(runs.map((run) => run.return(undefined as never)))
  }
}
