/** Bodies that are made while the client reads them, with its leaving, its silence and failures in mind. */
import { onAbort } from '../async/abort.ts'
import { AbortError } from '../errors.ts'

/**
 * Texts of a stream as they come; the last one is returned, so that the stream ends with it, and not after somebody asked
 * for more: clients leave when they have read the last frame, and that is no early end. `''`: there is no last frame.
 */
export type Frames = AsyncGenerator<string, string, undefined>

export interface FrameStreamOptions {
  /** Fired when the client goes, or takes nothing for too long; whoever makes the frames listens to its signal. */
  abort: AbortController
  /** Called once when nobody listens to the abort any more. */
  unlink: () => void
  /** A frame that says nothing, for when there has been nothing to say for `keepAliveMs`; undefined: none is possible. */
  keepAlive: string | undefined
  keepAliveMs: number
  idleTimeoutMs: number
  /** The last frames after a failure; undefined: the connection is cut, so that nobody takes the answer for whole. */
  errorFrames: ((error: unknown) => string) | undefined
  /** Called once. An abort comes with an error when the client took nothing for too long. */
  onEnd: (outcome: StreamOutcome) => void
}

export interface StreamOutcome {
  aborted: boolean
  error?: unknown
}

/**
 * A stream of the frames' bytes. Frames are made as the client reads, one ahead at most; a client that leaves ends their
 * making at once.
 *
 * Resolves when the first frame is there, so that a failure before it can still become a status: rejects with it then.
 * Where there is a keep-alive frame, it resolves after `keepAliveMs` at the latest.
 */
export async function openFrameStream(
  frames: Frames,
  options: FrameStreamOptions,
): Promise<ReadableStream<Uint8Array>> {
  const source = new FrameSource(frames, options)
  await source.first()
  return new ReadableStream(source, { highWaterMark: 0 })
}

class FrameSource implements UnderlyingDefaultSource<Uint8Array> {
  private readonly encoder = new TextEncoder()
  private pending: Promise<IteratorResult<string, string>> | undefined
  private idle: ReturnType<typeof setTimeout> | undefined
  private ended = false
  private gaveUp: DOMException | undefined
  private stopListening = () => {}

  constructor(
    private readonly frames: Frames,
    private readonly options: FrameStreamOptions,
  ) {}

  async first(): Promise<void> {
    try {
      await this.nextOrQuiet()
    } catch (error) {
      this.options.unlink()
      throw error
    }
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    const { signal } = this.options.abort
    // Servers that see their client go cancel the body in the same turn. What had failed by then they would report as an
    // error, and it is none; who reads a body in process gets the reason.
    const fail = () => queueMicrotask(() => this.fail(controller, signal.reason, true))
    if (signal.aborted) fail()
    else this.stopListening = onAbort(signal, fail)
    this.watchIdle()
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    clearTimeout(this.idle)
    try {
      const next = await this.nextOrQuiet()
      if (this.ended) return
      if (next === undefined) controller.enqueue(this.encoder.encode(this.options.keepAlive))
      else {
        this.pending = undefined
        if (next.value !== '') controller.enqueue(this.encoder.encode(next.value))
        if (next.done) return this.close(controller)
      }
      this.watchIdle()
    } catch (error) {
      this.fail(controller, error, this.options.abort.signal.aborted)
    }
  }

  async cancel(reason: unknown): Promise<void> {
    this.end({ aborted: true })
    this.options.abort.abort(new AbortError(reason))
    await this.pending?.catch(() => {})
    await this.frames.return('').catch(() => {})
  }

  /** The next frame, which stays pending until it is taken; undefined when it is long in coming. */
  private async nextOrQuiet(): Promise<IteratorResult<string, string> | undefined> {
    if (this.pending === undefined) {
      this.pending = this.frames.next()
      // The client may have gone by the time it fails; then nobody waits for it.
      this.pending.catch(() => {})
    }
    if (this.options.keepAlive === undefined) return this.pending
    let timer: ReturnType<typeof setTimeout> | undefined
    const quiet = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, this.options.keepAliveMs, undefined)
    })
    return Promise.race([this.pending, quiet]).finally(() => clearTimeout(timer))
  }

  private watchIdle(): void {
    if (this.ended) return
    const { idleTimeoutMs, abort } = this.options
    this.idle = setTimeout(() => {
      this.gaveUp = new DOMException(`the client took nothing for ${idleTimeoutMs} ms`, 'TimeoutError')
      abort.abort(this.gaveUp)
    }, idleTimeoutMs)
  }

  private close(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.end({ aborted: false })
    controller.close()
  }

  private fail(controller: ReadableStreamDefaultController<Uint8Array>, error: unknown, aborted: boolean): void {
    if (this.ended) return
    const { errorFrames } = this.options
    this.end({ aborted, error: aborted ? this.gaveUp : error })
    if (errorFrames === undefined || aborted) controller.error(error)
    else {
      controller.enqueue(this.encoder.encode(errorFrames(error)))
      controller.close()
    }
    this.frames.return('').catch(() => {})
  }

  private end(outcome: StreamOutcome): void {
    if (this.ended) return
    this.ended = true
    clearTimeout(this.idle)
    this.stopListening()
    this.options.unlink()
    this.options.onEnd(outcome)
  }
}

/**
 * The request behind a signal. In Node (20 to 24) the signal of a `Request` never fires once the object itself has been
 * collected, though somebody waits for the signal. So what works for a request keeps it.
 */
const requests = new WeakMap<AbortSignal, Request>()

/** A controller that aborts when the request's client leaves. `unlink` when the work is done: a signal may outlive many requests. */
export function follow(request: Request): { abort: AbortController; unlink: () => void } {
  const { signal } = request
  const abort = new AbortController()
  requests.set(abort.signal, request)
  const pass = () => abort.abort(signal.reason)
  if (signal.aborted) pass()
  return { abort, unlink: onAbort(signal, pass) }
}
