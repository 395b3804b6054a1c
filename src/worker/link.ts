/** The client's end of a worker: calls with one answer, and streams of chunks. */
import { onAbort, throwIfAborted } from '../async/abort.ts'
import type { ChatChunk } from '../chat/answer.ts'
import type { ChatCompletion } from '../chat/chat-model.ts'
import type { Begun } from '../chat/resume.ts'
import { AbortError, MistralError, ParameterError } from '../errors.ts'
import type { LoadProgress } from '../model/load-progress.ts'
import type { WorkerPort } from '../platform/worker-types.ts'
import {
  type Ending,
  errorFromJson,
  errorJson,
  type FromHost,
  type Method,
  type ModelFacts,
  type ToHost,
  WINDOW,
  withReason,
} from './protocol.ts'
import type { OpenerServer } from './remote-opener.ts'

/** The worker with the model ended, or its script could not be loaded; what was running in it is lost. */
export class WorkerError extends MistralError {
  override name = 'WorkerError'
}

/** The way to a model elsewhere: in a worker of this tab, or of another. */
export interface ModelLink {
  /** Where that is: in a worker of this tab alone, in one that all tabs share, or in the worker of the tab that leads. */
  readonly host: 'worker' | 'shared-worker' | 'leader'
  readonly facts: ModelFacts | undefined
  /** Why nothing is answered any more; undefined as long as it is. */
  readonly failure: Error | undefined
  /** Asks for one answer. Throws what the other side threw, `AbortError` as soon as the signal fires. */
  call<T>(method: Method, args: readonly unknown[], options?: CallOptions): Promise<T>
  /** The chunks of an answer as they come. Returns the whole. Leaving ends the work and waits until it has ended. */
  /** @param begun what the reader has of it already */
  stream(
    request: unknown,
    signal: AbortSignal | undefined,
    begun?: Begun,
  ): AsyncGenerator<ChatChunk, ChatCompletion, undefined>
  /** Frees what it holds. Safe to call twice. */
  end(why: string): Promise<void>
}

/** Whoever waits for messages with one id. */
interface Listener {
  take(message: Exclude<FromHost, { op: 'facts' }>): void
  fail(error: Error): void
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined
  /** Opens files for the worker; an error's `code` and name travel. */
  readonly opener?: OpenerServer | undefined
}

export class WorkerLink implements ModelLink {
  readonly host = 'worker'
  #count = 0
  #failure: Error | undefined
  facts: ModelFacts | undefined
  readonly #listeners = new Map<number, Listener>()
  #closed!: (failure: Error) => void
  /** Gives the failure, once there is one. */
  readonly closed = new Promise<Error>((resolve) => {
    this.#closed = resolve
  })

  /** @param onFacts hears that the model has told its facts */
  constructor(
    private readonly port: WorkerPort,
    private readonly onFacts: (facts: ModelFacts) => void = () => {},
  ) {
    port.listen((message) => this.#take(message as FromHost))
    port.onFailure((why) => this.fail(new WorkerError(`the worker with the model failed: ${why}`)))
  }

  get failure(): Error | undefined {
    return this.#failure ?? (this.facts?.failure && errorFromJson(this.facts.failure))
  }

  /** Whether the worker can still be asked. */
  get alive(): boolean {
    return this.#failure === undefined
  }

  /** Everything that waits fails with this error, and so does all that comes. */
  fail(error: Error): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    for (const listener of [...this.#listeners.values()]) listener.fail(error)
    this.#listeners.clear()
    this.port.close()
    this.#closed(error)
  }

  /** Ends the worker, once it has freed what it holds: a thread that ends before takes Node with it. */
  async end(why: string): Promise<void> {
    try {
      if (this.alive) await this.call('dispose', [])
    } catch {
      // It is gone already.
    } finally {
      this.fail(new WorkerError(why))
    }
  }

  /** Ends what waits here at once, and then the part in a worker that goes on for others. */
  async leave(error: Error): Promise<void> {
    for (const listener of [...this.#listeners.values()]) listener.fail(error)
    this.#listeners.clear()
    await this.end(error.message)
  }

  async call<T>(method: Method, args: readonly unknown[], options: CallOptions = {}): Promise<T> {
    const { signal, onProgress, opener } = options
    throwIfAborted(signal)
    const id = ++this.#count
    let stopListening = () => {}
    const answer = async ({ question, what, args }: Extract<FromHost, { op: 'ask' }>) => {
      const ending = await opener!.answer(what, args).then(
        (value): Ending => ({ id, op: 'value', value }),
        (error): Ending => ({ id, op: 'error', error: errorJson(error) }),
      )
      this.#post({ id, op: 'answer', question, ending }, 'source')
    }
    try {
      return await new Promise<T>((resolve, reject) => {
        this.#open(id, {
          take(message) {
            if (message.op === 'value') resolve(message.value as T)
            else if (message.op === 'error') reject(withReason(errorFromJson(message.error), signal))
            else if (message.op === 'progress') onProgress?.(message.progress)
            else if (message.op === 'ask') void answer(message)
          },
          fail: reject,
        })
        this.#post({ id, op: 'call', method, args }, method)
        stopListening = onAbort(signal, () => {
          this.#post({ id, op: 'abort' }, method)
          reject(new AbortError(signal!.reason))
        })
      })
    } finally {
      stopListening()
      this.#listeners.delete(id)
    }
  }

  /** @param begun what the reader has of it already */
  async *stream(
    request: unknown,
    signal: AbortSignal | undefined,
    begun?: Begun,
  ): AsyncGenerator<ChatChunk, ChatCompletion, undefined> {
    throwIfAborted(signal)
    const id = ++this.#count
    const arrivals = new Arrivals()
    this.#open(id, arrivals)
    this.#post({ id, op: 'stream', request, begun }, 'request')
    this.#post({ id, op: 'want', count: WINDOW }, 'request')
    const stopListening = onAbort(signal, () => {
      this.#post({ id, op: 'abort' }, 'request')
      arrivals.fail(new AbortError(signal!.reason))
    })
    try {
      for (let taken = 1; ; taken++) {
        const message = await arrivals.next()
        if (message.op === 'error') throw withReason(errorFromJson(message.error), signal)
        if (message.op === 'value') return message.value as ChatCompletion
        yield message.chunk
        // Half a window at a time: a message for each chunk would double the traffic.
        if (taken % (WINDOW / 2) === 0) this.#post({ id, op: 'want', count: WINDOW / 2 }, 'request')
      }
    } finally {
      stopListening()
      if (this.#failure === undefined) {
        if (!arrivals.ended) this.#post({ id, op: 'leave' }, 'request')
        await arrivals.end
      }
      this.#listeners.delete(id)
    }
  }

  #open(id: number, listener: Listener): void {
    if (this.#failure !== undefined) throw this.#failure
    this.#listeners.set(id, listener)
  }

  #take(message: FromHost): void {
    if (message.op === 'facts') {
      this.facts = message.facts
      this.onFacts(message.facts)
    } else this.#listeners.get(message.id)?.take(message)
  }

  #post(message: ToHost, what: string): void {
    if (this.#failure !== undefined) return
    try {
      this.port.post(message)
    } catch (error) {
      this.#listeners.delete(message.id)
      throw new ParameterError(what, undefined, `cannot be sent to a worker: ${(error as Error).message}`)
    }
  }
}

/** The messages of one stream in order. */
class Arrivals implements Listener {
  readonly #queue: (Extract<FromHost, { op: 'chunk' }> | Ending)[] = []
  #failure: Error | undefined
  #wake: () => void = () => {}
  #close!: () => void
  ended = false
  /** The worker has let go of the stream, or is gone. */
  readonly end = new Promise<void>((resolve) => {
    this.#close = resolve
  })

  take(message: Exclude<FromHost, { op: 'facts' }>): void {
    if (message.op === 'progress' || message.op === 'ask') return
    if (message.op !== 'chunk') this.#finish()
    this.#queue.push(message)
    this.#wake()
  }

  /** An abort is not held up by chunks that could still be shown. */
  fail(error: Error): void {
    this.#failure ??= error
    if (!(error instanceof AbortError)) this.#finish()
    this.#wake()
  }

  async next(): Promise<Extract<FromHost, { op: 'chunk' }> | Ending> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure
      const message = this.#queue.shift()
      if (message !== undefined) return message
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  #finish(): void {
    this.ended = true
    this.#close()
  }
}
