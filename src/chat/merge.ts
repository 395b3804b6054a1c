/**
 * Runs several generators side by side and yields what each gives as it comes. Returns what they return, in their order.
 * When one throws, or the caller leaves, all are ended.
 */
export async function* merge<T, R>(
  runs: readonly AsyncGenerator<T, R, undefined>[],
  /** Makes the runs throw at once: called when the caller leaves, or one of them throws. */
  abort: () => void,
): AsyncGenerator<T, R[], undefined> {
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
    if (pending.size > 0) abort()
    // Whoever still waits for a token throws or gets it unseen; its generator ends either way.
    for (const one of pending.values()) one.catch(() => {})
    await Promise.all(runs.map((run) => run.return(undefined as never)))
  }
}
