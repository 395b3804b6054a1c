import { onAbort } from '../generate/on-abort.ts'

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
  const runs = start(leave.signal)
  const results: R[] = []
  const ask = async (index: number) => ({ index, next: await runs[index]!.next() })
  const pending = new Map(runs.map((_, index) => [index, ask(index)]))
  try {
    while (pending.size > 0) {
      const { index, next } = await Promise.race(pending.values())
      if (next.done) {
        results[index] = next.value
        pending.delete(index)
      } else {
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
