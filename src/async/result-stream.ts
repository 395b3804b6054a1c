/** Pieces as they come, and the whole at the end: what `for await` alone cannot give. */
import { AbortError } from '../errors.ts'

/**
 * The pieces of something that is being made. Work begins with the first piece that is asked for, or when the result is.
 * Leaving the loop ends the work.
 */
export class ResultStream<Piece, Result> implements AsyncIterableIterator<Piece> {
  readonly #source: AsyncGenerator<Piece, Result, undefined>
  /** Pieces that were read for the result's sake before the reader asked for them. */
  readonly #ahead: Piece[] = []
  /** Reads to the end for the result's sake; undefined while nobody needs that. */
  #draining: Promise<void> | undefined
  #started = false
  #arrived: () => void = () => {}
  readonly #result: Promise<Result>
  #resolve!: (result: Result) => void
  #reject!: (error: unknown) => void

  /** @param source gives the pieces and returns the result */
  constructor(source: AsyncGenerator<Piece, Result, undefined>) {
    this.#source = source
    this.#result = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // A reader who only wants the pieces hears of a failure from `next`.
    this.#result.catch(() => {})
  }

  /**
   * The result of all pieces together. It may be awaited before, during, after or instead of the loop. It rejects with the
   * error of the stream, and with `AbortError` when the loop was left before the end.
   */
  get result(): Promise<Result> {
    if (!this.#started) this.#draining ??= this.#drain()
    return this.#result
  }

  async next(): Promise<IteratorResult<Piece, undefined>> {
    this.#started = true
    if (this.#draining === undefined) return this.#read()
    while (this.#ahead.length === 0) {
      const arrived = new Promise<void>((resolve) => {
        this.#arrived = resolve
      })
      const ended = await Promise.race([arrived.then(() => false), this.#draining.then(() => true)])
      if (ended && this.#ahead.length === 0) {
        // Throws what the stream failed with.
        await this.#result
        return { done: true, value: undefined }
      }
    }
    return { done: false, value: this.#ahead.shift()! }
  }

  /** Ends the work. */
  async return(): Promise<IteratorResult<Piece, undefined>> {
    this.#started = true
    this.#ahead.length = 0
    try {
      await this.#source.return(undefined as never)
    } finally {
      this.#reject(new AbortError('the stream was left before its end'))
    }
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async #read(): Promise<IteratorResult<Piece, undefined>> {
    try {
      const next = await this.#source.next()
      if (!next.done) return next
      this.#resolve(next.value)
      return { done: true, value: undefined }
    } catch (error) {
      this.#reject(error)
      throw error
    }
  }

  async #drain(): Promise<void> {
    try {
      for (let next = await this.#read(); !next.done; next = await this.#read()) {
        this.#ahead.push(next.value)
        this.#arrived()
      }
    } catch {
      // The result tells it.
    }
  }
}
