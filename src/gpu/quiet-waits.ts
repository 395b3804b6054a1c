/** Sleeping while results are on their way, where the runtime would spend a core on looking for them. */

/** Of the shortest time that such work took lately: then somebody looks. */
const SLEPT = 0.9
/** Shorter sleeps are left out: a timer that comes late costs more than they spare. */
const LEAST_MS = 25
/** A timer comes up to this many milliseconds late, and a result that is there comes in less. */
const TIMER_MS = 1
const RECENT = 4
/** Times of a kind that must be known: the first is not, because drivers compile when they first run something. */
const FEW = 2
/** Kinds of work that are remembered at most. */
const KINDS = 256

/** How results of the GPU are waited for. */
export interface Waits {
  /**
   * The result of work that was submitted.
   * @param kind names work that was just submitted and takes the same time each time; '' is only waited for after what is
   * before it; undefined is any other
   * @param ask asks the runtime for it
   */
  resultOf<T>(kind: string | undefined, ask: () => Promise<T>): Promise<T>
}

/**
 * Dawn's binding for Node looks for what is done in every turn of the event loop, without a pause, as long as a promise of its
 * device is pending. On a machine that computes on its CPU this takes a core from the computation, and on any machine one from
 * the user's program. So a result is asked for when it can soon be there: work of one kind takes about the same time again.
 */
export class QuietWaits implements Waits {
  /** Milliseconds that the latest work of each kind took, without its time behind other work. */
  readonly #recent = new Map<string, number[]>()
  #last: Promise<void> = Promise.resolve()
  #lastEnd = 0

  /** @param needed whether the runtime looks for results in a busy loop; else nothing is delayed */
  constructor(private readonly needed: boolean) {}

  async resultOf<T>(kind: string | undefined, ask: () => Promise<T>): Promise<T> {
    if (!this.needed || kind === undefined) return ask()
    const submitted = performance.now()
    const before = this.#last
    let end = () => {}
    this.#last = new Promise((resolve) => {
      end = resolve
    })
    try {
      // A queue works in order: what is before it ends before it.
      await before
      const start = Math.max(submitted, this.#lastEnd)
      await this.#sleep(kind, start)
      const asked = performance.now()
      const result = await ask()
      this.#lastEnd = performance.now()
      // It was there at once: nobody knows since when.
      const overslept = asked - start > TIMER_MS && this.#lastEnd - asked < TIMER_MS
      this.#observe(kind, (this.#lastEnd - start) * (overslept ? 0.5 : 1))
      return result
    } finally {
      end()
    }
  }

  async #sleep(kind: string, start: number): Promise<void> {
    const times = this.#recent.get(kind) ?? []
    if (times.length < FEW) return
    const ms = Math.floor(start + SLEPT * Math.min(...times) - performance.now() - TIMER_MS)
    if (ms >= LEAST_MS) await new Promise((resolve) => setTimeout(resolve, ms))
  }

  #observe(kind: string, ms: number): void {
    if (kind === '') return
    const times = this.#recent.get(kind)
    if (times === undefined && this.#recent.size >= KINDS) this.#recent.clear()
    this.#recent.set(kind, times === undefined ? [] : [...times, ms].slice(-RECENT))
  }
}
