/** Waiting for an `AbortSignal`: at a point, beside a promise, or with a listener. */
import { AbortError } from '../errors.ts'

/** Throws {@link AbortError} when the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new AbortError(signal.reason)
}

/**
 * What `promise` gives, or {@link AbortError} as soon as the signal fires: for work of others that may not look at it.
 */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const abort = () => reject(new AbortError(signal.reason))
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** The listeners of one signal, behind a single listener of its own. */
class Waiting {
  private readonly listeners = new Set<{ call(): void }>()

  constructor(private readonly signal: AbortSignal) {}

  add(call: () => void): () => void {
    // An object of its own: the same function may wait twice.
    const one = { call }
    if (this.listeners.size === 0) this.signal.addEventListener('abort', this.fire)
    this.listeners.add(one)
    return () => {
      if (this.listeners.delete(one) && this.listeners.size === 0) this.signal.removeEventListener('abort', this.fire)
    }
  }

  private readonly fire = (): void => {
    // A callback leaves the list, and may make others leave before their turn.
    for (const one of [...this.listeners]) if (this.listeners.has(one)) one.call()
  }
}

const waiting = new WeakMap<AbortSignal, Waiting>()

/**
 * Calls `listener` when the signal fires; not when it has fired already. However many wait for one signal, it has a single
 * listener: Node warns of a leak at the eleventh, which a request for eleven answers would reach.
 * @returns stops waiting; may be called twice
 */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (signal === undefined) return () => {}
  let all = waiting.get(signal)
  if (all === undefined) {
    all = new Waiting(signal)
    waiting.set(signal, all)
  }
  return all.add(listener)
}
