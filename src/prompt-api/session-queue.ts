/** The operations of a session, one after another; any of them can be left, and all end with the session. */
import { toDomException } from './errors.ts'

export class SessionQueue {
  private readonly destroyed = new AbortController()
  /** Settles when the operation that was asked for last has ended. */
  private tail: Promise<void> = Promise.resolve()

  /** Aborts when the session is destroyed. */
  get signal(): AbortSignal {
    return this.destroyed.signal
  }

  destroy(reason: unknown): void {
    this.destroyed.abort(reason)
  }

  /** The session is destroyed with the signal. */
  follow(signal: AbortSignal): void {
    signal.addEventListener('abort', () => this.destroy(signal.reason), { once: true, signal: this.signal })
  }

  /** Waits for its turn, then does the work. Rejects with the reason of an abort, and with `DOMException`s. */
  async run(given: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const turn = this.queue(given)
    try {
      await turn.begins
      await work(turn.signal)
    } catch (error) {
      throw toDomException(error, turn.signal)
    } finally {
      turn.end()
    }
  }

  /** As {@link run}, and gives what the work gives. */
  async *generate<T>(
    given: AbortSignal | undefined,
    work: (signal: AbortSignal) => AsyncGenerator<T, void, undefined>,
  ): AsyncGenerator<T, void, undefined> {
    const turn = this.queue(given)
    try {
      await turn.begins
      yield* work(turn.signal)
    } catch (error) {
      throw toDomException(error, turn.signal)
    } finally {
      turn.end()
    }
  }

  /** A place behind all that was asked for before. */
  private queue(given: AbortSignal | undefined): Turn {
    const signal = given === undefined ? this.signal : AbortSignal.any([this.signal, given])
    const before = this.tail
    let end = () => {}
    const done = new Promise<void>((resolve) => {
      end = resolve
    })
    this.tail = before.then(() => done)
    return { signal, begins: beforeAbort(before, signal), end }
  }
}

interface Turn {
  readonly signal: AbortSignal
  /** Rejects when the signal comes first. */
  readonly begins: Promise<void>
  readonly end: () => void
}

/** Settles with the promise, or rejects with the signal's reason when that comes first. */
async function beforeAbort(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const listening = new AbortController()
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: listening.signal })
  })
  try {
    await Promise.race([promise, aborted])
  } finally {
    listening.abort()
  }
}
