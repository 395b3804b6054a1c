/** Those who wait for one signal, with a single listener of their own. */
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
    // Those who are called leave, and may make others leave before their turn.
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
