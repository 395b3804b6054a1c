/** The steps of one answer that lie ready for its reader. */

/** Steps that may lie ready for a reader who does not take them, before the generation pauses. */
const BACKLOG = 64

export class StepQueue<Step> {
  readonly #ready: Step[] = []
  #idleSince: number | undefined
  #failure: Error | undefined
  #wake: (() => void) | undefined

  /** @param resumed is told that the reader has room for more steps again */
  constructor(private readonly resumed: () => void) {}

  /** When it became full; undefined while it has room. */
  get idleSince(): number | undefined {
    return this.#idleSince
  }

  push(step: Step): void {
    this.#ready.push(step)
    if (this.#ready.length >= BACKLOG) this.#idleSince = performance.now()
    this.#wake?.()
  }

  /** Ends it for the reader at once, whatever is ready. The first failure counts. */
  fail(error: Error): void {
    this.#failure ??= error
    this.#wake?.()
  }

  /** The next step, as soon as there is one; undefined when there is none and no more come. Throws what it failed with. */
  async take(isDone: () => boolean): Promise<Step | undefined> {
    for (;;) {
      // An abort is not held up by steps that could still be shown.
      if (this.#failure) throw this.#failure
      const step = this.#ready.shift()
      if (step !== undefined) {
        this.#resumeIfIdle()
        return step
      }
      if (isDone()) return undefined
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
  }

  #resumeIfIdle(): void {
    if (this.#idleSince === undefined || this.#ready.length >= BACKLOG / 2) return
    this.#idleSince = undefined
    this.resumed()
  }
}
